using System.Text;
using ClosureTable.Api.Commands.Transfer;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Transfer;

/// <summary>Export and import as the commands do them, within the test's process.</summary>
internal static class Transfers
{
    public const string Header = """{"type":"header","version":1,"source":"test"}""";

    public static async Task<string> Export(this ServiceFixture fixture, string? topic)
    {
        using var output = new MemoryStream();
        await new Export(fixture.Source()).Run(topic, output, progress: null, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    public static Task<ImportReport> Import(this ServiceFixture fixture, string file, string? source = null, int maxDepth = 100, bool dryRun = false) =>
        new Import(fixture.Source(), maxDepth, dryRun).Run(Read(file), source, progress: null, TestContext.Current.CancellationToken);

    public static Task<ImportReport> Import(this ServiceFixture fixture, IEnumerable<TransferRecord> records) =>
        new Import(fixture.Source(), maxDepth: 100, dryRun: false).Run(records, sourceName: null, progress: null, TestContext.Current.CancellationToken);

    public static IEnumerable<TransferRecord> Read(string file) => TransferFile.Read(new MemoryStream(Encoding.UTF8.GetBytes(file)));

    /// <summary>A source that no other test has.</summary>
    public static TransferHeader NewSource() => new() { Source = $"test {Guid.NewGuid():n}" };

    public static TransferComment Comment(string id, string? parent = null, string? topic = null, string? content = "words", bool deleted = false) => new()
    {
        Id = id,
        Parent = parent,
        Topic = topic,
        Author = "ann",
        Content = content,
        CreatedAt = new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        DeletedAt = deleted ? new DateTime(2020, 1, 2, 0, 0, 0, DateTimeKind.Utc) : null,
    };
}
