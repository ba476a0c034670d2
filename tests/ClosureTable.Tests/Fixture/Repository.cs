namespace ClosureTable.Tests.Fixture;

/// <summary>The files of the repository that tests hold against what is built from it.</summary>
internal static class Repository
{
    private static readonly string Root = Find(AppContext.BaseDirectory);

    /// <param name="relative">As in <c>docs/operations.md</c>.</param>
    public static string Path(string relative) => System.IO.Path.Combine(Root, relative);

    private static string Find(string directory) =>
        File.Exists(System.IO.Path.Combine(directory, "ClosureTable.sln")) ? directory
        : Find(System.IO.Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("The tests do not run inside the repository."));
}
