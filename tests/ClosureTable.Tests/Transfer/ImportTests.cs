using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands.Transfer;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;
using static ClosureTable.Tests.Transfer.Transfers;

namespace ClosureTable.Tests.Transfer;

/// <summary>What an import does with what it gets: interrupted, resumed, in any order, too deep, broken.</summary>
public sealed class ImportTests(ServiceFixture fixture)
{
    private readonly string topic = Conversation.NewTopic();

    private async Task<long> Root() => Assert.Single((await fixture.Client().Read($"/comments?topic={topic}")).Comments()).Id();

    [Fact]
    public async Task An_import_that_is_interrupted_goes_on_where_it_stopped()
    {
        var source = NewSource();
        List<TransferRecord> file = [source, Comment("root", topic: topic), .. Enumerable.Range(0, 2 * Import.BatchSize).Select(n => Comment($"{n}", n < 10 ? "root" : $"{n / 10}"))];

        IEnumerable<TransferRecord> CutOff() => file.Take(Import.BatchSize + 500).Concat(Broken());
        static IEnumerable<TransferRecord> Broken()
        {
            yield return Comment("never", "root");
            throw new IOException("the disk went away");
        }

        await Assert.ThrowsAsync<IOException>(() => fixture.Import(CutOff()));
        Assert.Equal(Import.BatchSize, await fixture.Query<long>("select count(*) from imported_comments where source = @Source", new { source.Source }));

        var report = await fixture.Import(file);
        Assert.Equal((Import.BatchSize + 1, Import.BatchSize, 0), (report.Comments, report.Known, report.Refused));
        var root = await Root();
        Assert.Equal(2 * Import.BatchSize + 1, await fixture.Query<long>("select comment_count from comments_threads where root_id = @root", new { root }));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_thread_that_is_lived_in_takes_what_is_new_and_its_watchers_see_it()
    {
        var source = NewSource();
        await fixture.Import([source, Comment("1", topic: topic)]);
        var root = await Root();
        var ann = await fixture.SignedIn();
        await ann.Reply(root, "from here");
        var version = await fixture.Version(root);

        var report = await fixture.Import([source, Comment("1", topic: topic), Comment("2", "1", content: "from there")]);
        Assert.Equal((1, 1), (report.Comments, report.Known));
        Assert.Equal(version + 1, await fixture.Version(root));
        Assert.Equal("created", await fixture.Query<string>("select kind from comments_events where root_id = @root and version = @version", new { root, version = version + 1 }));
        var tree = await ann.Read($"/comments/{root}");
        Assert.Equal(["from there", "from here"], tree.Children().Select(reply => reply.Text("content")));
        Assert.Equal(2020, tree.GetProperty("created_at").GetDateTime().Year);
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task What_was_deleted_here_does_not_come_back_nor_does_what_replied_to_it()
    {
        var source = NewSource();
        await fixture.Import([source, Comment("1", topic: topic), Comment("2", "1")]);
        var root = await Root();
        var reply = (await fixture.Client().Read($"/comments/{root}")).Children()[0].Id();
        await (await (await fixture.Moderator()).Delete($"/comments/{reply}")).Json();

        var report = await fixture.Import([source, Comment("1", topic: topic), Comment("2", "1"), Comment("3", "2"), Comment("4", "3")]);
        Assert.Equal((0, 2, 2), (report.Comments, report.Known, report.Refused));
        Assert.Contains("Comment 3 replies to 2, which was deleted here.", report.Reasons);
        Assert.Empty((await fixture.Client().Read($"/comments/{root}")).Children());
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task Replies_may_come_before_their_parents_and_orphans_are_named()
    {
        var report = await fixture.Import(
        [
            NewSource(), Comment("3", "2"), Comment("orphan", "missing"), Comment("2", "1"), Comment("1", topic: topic), Comment("2", "1"),
        ]);
        Assert.Equal((3, 2), (report.Comments, report.Refused));
        Assert.Equal(["Comment 2 is there twice.", "Comment orphan replies to missing, which is not there."], report.Reasons);
        var root = await Root();
        Assert.Equal([0, 1, 2], (await fixture.Client().Read($"/comments/{root}")).Flatten().Select(comment => comment.Int("depth")));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_tombstone_comes_with_its_first_living_reply_or_not_at_all()
    {
        var source = NewSource();
        var report = await fixture.Import(
        [
            source, Comment("1", topic: topic, deleted: true), Comment("2", "1", deleted: true), Comment("3", "2"), Comment("4", "1", deleted: true), Comment("5", topic: topic, content: " "),
        ]);
        Assert.Equal((3, 2, 2), (report.Comments, report.Tombstones, report.Pruned));
        var root = await Root();
        Assert.Empty(await fixture.Violations(root));
        Assert.Equal([true, true, false], (await fixture.Client().Read($"/comments/{root}")).Flatten().Select(comment => comment.GetProperty("deleted").GetBoolean()));

        // The next export has a reply below the one that was left out.
        await fixture.Import([source, Comment("1", topic: topic, deleted: true), Comment("4", "1", deleted: true), Comment("6", "4")]);
        Assert.Empty(await fixture.Violations(root));
        Assert.Equal(5, (await fixture.Client().Read($"/comments/{root}")).Flatten().Count());
    }

    [Fact]
    public async Task A_thread_deeper_than_this_tree_goes_hangs_higher()
    {
        var source = NewSource();
        List<TransferRecord> chain = [source, Comment("0", topic: topic), .. Enumerable.Range(1, 12).Select(level => Comment($"{level}", $"{level - 1}"))];
        var import = new Import(fixture.Source(), maxDepth: 5, dryRun: false);
        Assert.Equal(4, (await import.Run(chain.Take(11), null, null, TestContext.Current.CancellationToken)).Raised);
        // In the next run their parents are in the database, not in the batch.
        Assert.Equal(3, (await new Import(fixture.Source(), maxDepth: 5, dryRun: false).Run(chain, null, null, TestContext.Current.CancellationToken)).Raised);
        var root = await Root();
        Assert.Equal([0, 1, 2, 3, 4, .. Enumerable.Repeat(5, 8)], (await fixture.Client().Read($"/comments/{root}")).Flatten().Select(comment => comment.Int("depth")));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task What_cannot_stand_here_is_mended_or_refused_with_a_reason()
    {
        var source = NewSource();
        var report = await fixture.Import(
        [
            source,
            new TransferUser { Id = "ann", Name = "An\nn\u202E " + new string('n', 100), Email = "no address" },
            Comment("1", topic: topic, content: $"\0{new string('x', 10_001)}") with
            {
                CreatedAt = DateTime.UtcNow.AddYears(1),
                Likes = [new("ann", DateTime.UtcNow), new("ann", DateTime.UtcNow), new("stranger", DateTime.MaxValue)],
            },
            Comment("2", topic: new string('t', 513)),
            Comment("3", topic: topic) with { CreatedAt = default },
            Comment(new string('4', 256), topic: topic),
            Comment("5", topic: topic) with { Author = "a\0b" },
        ]);
        Assert.Equal((1, 1, 4), (report.Comments, report.Shortened, report.Refused));
        var root = await fixture.Client().Read($"/comments/{await Root()}");
        Assert.Equal(new string('x', 10_000), root.Text("content"));
        Assert.Equal("Ann" + new string('n', 60), root.GetProperty("author").Text("name").Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal(2, root.Int("like_count"));
        Assert.True(root.GetProperty("created_at").GetDateTime() <= DateTime.UtcNow);
        Assert.Empty(await fixture.Violations(root.Id()));
    }

    [Theory]
    [InlineData("", "neither")]
    [InlineData("id;content", "neither")]
    [InlineData("{\"type\":\"comment\",\"id\":\"1\",\"created_at\":\"2020-01-01T00:00:00Z\"}", "header")]
    [InlineData("{\"type\":\"header\",\"version\":2,\"source\":\"future\"}", "version 2")]
    [InlineData(Header + "\n\n{\"type\":\"comment\"", "Line 3")]
    [InlineData(Header + "\n{\"type\":\"comment\",\"id\":\"1\"}", "Line 2")]
    [InlineData(Header + "\n{\"type\":\"comment\",\"id\":1,\"created_at\":\"2020-01-01T00:00:00Z\"}", "$.id")]
    [InlineData(Header + "\n{\"type\":\"comment\",\"id\":\"1\",\"created_at\":\"yesterday\"}", "$.created_at")]
    [InlineData(Header + "\n{\"type\":\"comment\",\"id\":\"\\ud800\",\"created_at\":\"2020-01-01T00:00:00Z\"}", "Line 2")]
    [InlineData(Header + "\n{\"type\":\"secret\"}", "Line 2")]
    [InlineData(Header + "\nnull", "Line 2")]
    [InlineData("<html/>", "<html>")]
    [InlineData("<disqus><post>", "line 1")]
    public async Task A_broken_file_says_where_it_is_broken(string file, string said)
    {
        var broken = await Assert.ThrowsAsync<TransferFormatException>(() => fixture.Import(file, source: topic));
        Assert.Contains(said, broken.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("ClosureTable.", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_source_is_imported_by_one_run_at_a_time()
    {
        var source = NewSource();
        async Task While()
        {
            var inner = await Assert.ThrowsAsync<TransferFormatException>(() => fixture.Import([source, Comment("2", topic: topic)]));
            Assert.Contains("under way", inner.Message, StringComparison.Ordinal);
        }

        IEnumerable<TransferRecord> Slowly()
        {
            yield return source;
            yield return Comment("1", topic: topic);
            While().GetAwaiter().GetResult();
        }

        Assert.Equal(1, (await fixture.Import(Slowly())).Comments);
        // And then it is free again.
        Assert.Equal(1, (await fixture.Import([source, Comment("2", topic: topic)])).Comments);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_hundred_thousand_comments_fit_into_a_small_heap()
    {
        const int Count = 100_000;
        var directory = Directory.CreateTempSubdirectory("closuretable-");
        await using var database = await fixture.NewDatabase();
        try
        {
            var file = Path.Combine(directory.FullName, "large.ndjson");
            await using (var writer = new StreamWriter(file))
            {
                await writer.WriteLineAsync(Header);
                for (var n = 0; n < Count; n++)
                    await writer.WriteLineAsync($$"""{"type":"comment","id":"{{n}}",{{(n % 100 == 0 ? "" : $"\"parent\":\"{n - (n % 10 == 0 ? 10 : n % 10)}\",")}}"author":"u{{n % 1000}}","content":"{{new string('w', 700)}}","created_at":"2020-01-01T00:00:00Z"}""");
            }

            Assert.True(new FileInfo(file).Length > 75_000_000);
            // 64 MB, in hexadecimal: less than the file has.
            var (exitCode, output, error) = await Cli.Run(database.ConnectionString, ["import", file], ("DOTNET_GCHeapHardLimit", "4000000"));
            Assert.True(exitCode == 0, error);
            Assert.Contains("Imported 100,000 comments", output, StringComparison.Ordinal);
            var verified = await Cli.Run(database.ConnectionString, ["verify"]);
            Assert.True(verified.ExitCode == 0, verified.Output);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
