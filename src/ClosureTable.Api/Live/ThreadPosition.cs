using System.Globalization;

namespace ClosureTable.Api.Live;

/// <summary>
/// A client's position in the events of a thread. The event id is the version in a root's stream, and <c>root-version</c> in that of any
/// other comment, which may move to another thread while the client is away.
/// </summary>
internal readonly record struct ThreadPosition(long RootId, long Version)
{
    /// <summary>The part before the version in the event ids of a stream that was opened at a comment.</summary>
    public static string Prefix(long commentId, long rootId) =>
        commentId == rootId ? "" : string.Create(CultureInfo.InvariantCulture, $"{rootId}-");

    /// <returns>Null if it is not an id of a thread's stream.</returns>
    public static ThreadPosition? Parse(string text, long commentId)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var rootId = commentId;
        if (dash >= 0 && !TryRead(text.AsSpan(0, dash), out rootId) || !TryRead(text.AsSpan(dash + 1), out var version))
            return null;
        return new ThreadPosition(rootId, version);

        static bool TryRead(ReadOnlySpan<char> text, out long number) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
