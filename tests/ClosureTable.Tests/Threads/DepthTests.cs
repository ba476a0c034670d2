using System.Buffers;
using System.Net;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Threads;

/// <summary>Chains as long as they may be: 100 levels by default, 1000 at most.</summary>
public sealed class DepthTests(ServiceFixture fixture)
{
    private const int MaxDepth = 100;

    /// <summary>A chain from the bulk loader, from the root to the deepest reply: a request a level would take too long.</summary>
    private async Task<long[]> Chain(int levels)
    {
        var root = Assert.Single(await new BulkLoad(fixture.Source(), Math.Max(MaxDepth, levels - 1)).Run(
            new Load(Threads: 1, levels, ThreadShape.Chain, Conversation.NewTopic(), Seed: 1), progress: null, TestContext.Current.CancellationToken));
        var ids = await fixture.Rows<long>("select id from comments_comments where root_id = @root order by depth", new { root });
        Assert.Equal(levels, ids.Count);
        return [.. ids];
    }

    [Fact]
    public async Task A_chain_of_the_greatest_depth_is_read_moved_and_deleted_and_takes_no_reply_more()
    {
        var (ann, mod) = (await fixture.SignedIn(), await fixture.Moderator());
        long[] chain = [.. await Chain(MaxDepth), 0];
        chain[^1] = (await ann.Reply(chain[^2])).Id();

        await (await ann.Post("/comments", new { content = "too deep", parent_id = chain[^1] })).Problem(HttpStatusCode.UnprocessableEntity, "too_deep");
        var tree = await fixture.Client().Read($"/comments/{chain[0]}");
        Assert.Equal(chain, tree.Flatten().Ids());
        Assert.Equal(Enumerable.Range(0, MaxDepth + 1), tree.Flatten().Select(comment => comment.Int("depth")));
        Assert.Equal(chain[..^1], (await ann.Read($"/comments/{chain[^1]}/ancestors")).Comments().Ids());

        // To the top and back: 100 comments leave the tree of the root and come back.
        Assert.Equal(MaxDepth, (await (await mod.Put($"/comments/{chain[1]}/parent", new { parent_id = (long?)null })).Json()).Int("moved"));
        Assert.Equal(chain[1..], (await ann.Read($"/comments/{chain[1]}")).Flatten().Ids());
        Assert.Equal(MaxDepth, (await (await mod.Put($"/comments/{chain[1]}/parent", new { parent_id = chain[0] })).Json()).Int("moved"));
        Assert.Equal(chain, (await ann.Read($"/comments/{chain[0]}")).Flatten().Ids());
        Assert.Empty(await fixture.Violations(chain[0]));

        // Tombstones all the way down: the deepest comment holds them all up, and takes them all along.
        foreach (var id in chain[..^1])
            Assert.Equal(1, (await (await mod.Delete($"/comments/{id}")).Json()).Int("deleted"));
        Assert.Empty(await fixture.Violations(chain[0]));
        Assert.Equal(MaxDepth + 1, (await (await ann.Delete($"/comments/{chain[^1]}")).Json()).Int("deleted"));
        await (await ann.Get($"/comments/{chain[0]}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
    }

    [Fact]
    public async Task A_thread_too_large_to_be_held_as_json_is_sent_in_parts_and_is_the_same()
    {
        var root = Assert.Single(await new BulkLoad(fixture.Source(), MaxDepth).Run(
            new Load(Threads: 1, CommentResponses.MaxBuffered + 500, ThreadShape.Random, Conversation.NewTopic(), Seed: 7), progress: null, TestContext.Current.CancellationToken));

        var client = fixture.Client();
        using var answer = await client.GetAsync($"/comments/{root}?limit=100000", HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.True(answer.Headers.TransferEncodingChunked);
        var sent = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);

        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        using var forest = await fixture.Services.GetRequiredService<ThreadRepository>().Tree(
            root, new TreeShape(CommentSort.Old, Depth: null, Children: null, Limit: 100_000), caller: null, TestContext.Current.CancellationToken);
        using var whole = fixture.Services.GetRequiredService<CommentResponses>().Tree(forest!, signedIn: false);
        Assert.Equal(whole.Written.ToArray(), sent);
        using var again = new HttpRequestMessage(HttpMethod.Get, $"/comments/{root}?limit=100000") { Headers = { IfNoneMatch = { answer.Headers.ETag! } } };
        Assert.Equal(HttpStatusCode.NotModified, (await client.SendAsync(again, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task A_move_past_the_greatest_depth_is_422_and_changes_nothing()
    {
        var (ann, mod) = (await fixture.SignedIn(), await fixture.Moderator());
        var chain = await Chain(MaxDepth);
        var version = await fixture.Version(chain[0]);
        var (root, deep) = (await ann.Begin(), (await Chain(3))[1]);
        var inside = (await ann.Reply(deep)).Id();

        // 100 levels of a chain fit below a root, not below its reply.
        await (await mod.Put($"/comments/{chain[0]}/parent", new { parent_id = inside })).Problem(HttpStatusCode.UnprocessableEntity, "too_deep");
        Assert.Equal(chain, (await ann.Read($"/comments/{chain[0]}")).Flatten().Ids());
        Assert.Equal(version, await fixture.Version(chain[0]));

        await (await mod.Put($"/comments/{chain[0]}/parent", new { parent_id = root.Id() })).Json();
        Assert.Equal(chain.Prepend(root.Id()), (await ann.Read($"/comments/{root.Id()}")).Flatten().Ids());
        Assert.Empty(await fixture.Violations(root.Id()));
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_chain_of_the_deepest_setting_is_rendered_whole()
    {
        await using var service = fixture.Instance(host => host.UseSetting("Comments:MaxDepth", "1000"));
        service.StartServer();
        var root = (await Chain(1001))[0];

        var tree = await service.CreateClient().Read($"/comments/{root}");

        Assert.Equal(Enumerable.Range(0, 1001), tree.Flatten().Select(comment => comment.Int("depth")));
        Assert.Empty(await fixture.Violations(root));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("1001")]
    public async Task A_setting_out_of_range_is_told_at_the_start(string depth)
    {
        var (exitCode, _, error) = await Cli.Run(fixture.ConnectionString, ["serve", "--urls", "http://127.0.0.1:0"], ("Comments__MaxDepth", depth));
        Assert.Equal(1, exitCode);
        Assert.Contains("Comments__MaxDepth must be a number from 1 to 1000.", error, StringComparison.Ordinal);
    }
}
