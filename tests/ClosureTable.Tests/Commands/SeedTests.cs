using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;

namespace ClosureTable.Tests.Commands;

public sealed class SeedTests(OwnServiceFixture fixture) : IClassFixture<OwnServiceFixture>
{
    [Theory]
    [InlineData("reddit", 30)]
    [InlineData("chain", 100)]
    [InlineData("star", 1)]
    [InlineData("random", 100)]
    public async Task Every_shape_is_loaded_beside_the_running_service_and_holds_every_invariant(string shape, int deepest)
    {
        var topic = Conversation.NewTopic();
        var before = (await (await fixture.SignedIn()).Begin("before")).Id();

        var (exitCode, output, error) = await Cli.Run(fixture.ConnectionString, ["seed", "--threads", "7", "--comments", "500", "--shape", shape, "--topic", topic]);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("500 comments in 7 threads", output, StringComparison.Ordinal);
        Assert.Empty(await fixture.Violations());
        var roots = await fixture.Client().Walk($"/comments?topic={topic}&sort=old&limit=3");
        Assert.Equal(7, roots.Count);
        Assert.Equal(500, roots.Sum(root => root.Int("descendant_count") + 1));
        var depths = await fixture.Rows<int>("""
            select c.depth
            from comments_comments c
            join comments_threads thread on thread.root_id = c.root_id
            where thread.topic = @topic
            """, new { topic });
        Assert.InRange(depths.Max(), 1, deepest);
        Assert.True(depths.Max() == deepest || shape is "reddit" or "random");

        var after = (await (await fixture.SignedIn()).Begin("after")).Id();
        Assert.True(after >= before + 501, "The ids come from the sequence.");
    }

    [Fact]
    public async Task What_is_loaded_can_be_found_liked_and_replied_to()
    {
        var topic = Conversation.NewTopic();
        var root = Assert.Single(await new BulkLoad(fixture.Source(), maxDepth: 100).Run(
            new Load(Threads: 1, Comments: 300, ThreadShape.Reddit, topic, Seed: 3), progress: null, TestContext.Current.CancellationToken));
        var ann = await fixture.SignedIn();

        Assert.NotEmpty((await ann.Read("/comments/search?q=\"covering index\"")).Comments());
        Assert.True((await ann.Read($"/comments/{root}")).Flatten().Sum(comment => comment.Int("like_count")) > 0);
        var version = await fixture.Version(root);
        await ann.Reply(root);
        await (await ann.Put($"/comments/{root}/like")).Json();
        Assert.Equal(version + 2, await fixture.Version(root));
        Assert.Empty(await fixture.Violations());
    }

    [Fact]
    public void The_same_number_gives_the_same_threads()
    {
        var now = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        GeneratedComment[] Make(int seed, int thread) => new ThreadGenerator(ThreadShape.Reddit, maxDepth: 100, users: 10, now, seed).Thread(thread, 200);

        Assert.Equal(Make(1, 0), Make(1, 0));
        Assert.NotEqual(Make(1, 0), Make(2, 0));
        Assert.NotEqual(Make(1, 0), Make(1, 1));
        Assert.Equal(ThreadGenerator.Sizes(50, 1000, seed: 1), ThreadGenerator.Sizes(50, 1000, seed: 1));
        Assert.Equal(1000, ThreadGenerator.Sizes(50, 1000, seed: 1).Sum());
    }

    [Fact]
    public void Reddit_like_threads_have_the_rows_and_the_depth_that_were_measured_there()
    {
        var comments = new ThreadGenerator(ThreadShape.Reddit, maxDepth: 100, users: 100, DateTime.UtcNow, seed: 1).Thread(0, 20_000);

        Assert.InRange(comments.Average(comment => comment.Depth + 1), 5.5, 7.5);
        Assert.InRange(comments.Max(comment => comment.Depth), 20, 30);
    }

    [Theory]
    [InlineData("--threads", "0")]
    [InlineData("--comments", "5", "--threads", "6")]
    [InlineData("--shape", "spiral")]
    [InlineData("--topic", "")]
    public async Task What_cannot_be_loaded_is_refused_in_a_sentence(params string[] args)
    {
        var (exitCode, _, error) = await Cli.Run(fixture.ConnectionString, ["seed", .. args]);

        Assert.NotEqual(0, exitCode);
        Assert.Contains(args[0] == "--comments" ? "--comments must be at least --threads" : args[0], error, StringComparison.Ordinal);
    }
}
