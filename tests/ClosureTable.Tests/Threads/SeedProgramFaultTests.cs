using System.Net;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Threads;

/// <summary>What the article's own program gets wrong, and this one must not.</summary>
public sealed class SeedProgramFaultTests(ServiceFixture fixture)
{
    private async Task<long> Thread(int comments) => Assert.Single(await new BulkLoad(fixture.Source(), maxDepth: 100).Run(
        new Load(Threads: 1, comments, ThreadShape.Random, Conversation.NewTopic(), Seed: 5), progress: null, TestContext.Current.CancellationToken));

    [Fact]
    public async Task An_update_loses_no_comment_of_the_tree()
    {
        // An updated row goes to the end of its table; a tree built in the order of the rows then met replies before their parents, and lost 467 of 533.
        var root = await Thread(533);
        var mod = await fixture.Moderator();
        await (await mod.Patch($"/comments/{root}", new { content = "updated" })).Json();
        foreach (var reply in (await mod.Read($"/comments/{root}?depth=1")).Children())
            await (await mod.Patch($"/comments/{reply.Id()}", new { content = "updated too" })).Json();

        var tree = await fixture.Client().Read($"/comments/{root}");

        Assert.Equal(533, tree.Flatten().Ids().Distinct().Count());
        Assert.Equal(532, tree.Int("descendant_count"));
        Assert.Equal("updated", tree.Text("content"));
    }

    [Theory]
    [InlineData("c.id")]
    [InlineData("c.id desc")]
    [InlineData("c.depth desc, c.id")]
    [InlineData("md5(c.id::text)")]
    public async Task A_tree_is_the_same_in_any_order_of_its_rows(string order)
    {
        var root = await Thread(200);
        await using var connection = await fixture.Source().OpenConnectionAsync(TestContext.Current.CancellationToken);
        using var rows = await connection.ReadRows($"""
            select {CommentRows.Columns}
            from comments_comments c
            join comments_threads thread on thread.root_id = c.root_id
            where c.root_id = @root
            order by {order}
            """, [new("root", root), new("caller", NpgsqlTypes.NpgsqlDbType.Bigint) { Value = DBNull.Value }], TestContext.Current.CancellationToken);

        var top = CommentTree.Link(rows, [root], CommentSort.Old);

        var shown = new List<long>();
        var open = new Stack<int>([top]);
        while (open.TryPop(out var index))
        {
            shown.Add(rows[index].Id);
            if (rows[index].NextSibling != CommentRow.None)
                open.Push(rows[index].NextSibling);
            if (rows[index].FirstChild != CommentRow.None)
                open.Push(rows[index].FirstChild);
        }

        Assert.Equal((await fixture.Client().Read($"/comments/{root}")).Flatten().Ids(), shown);
        Assert.Equal(200, shown.Count);
    }

    [Fact]
    public async Task A_reply_to_a_missing_parent_does_not_become_a_root()
    {
        var ann = await fixture.SignedIn();
        var content = $"lost {Guid.NewGuid()}";

        // 0 was false in the article's program, and so no parent at all.
        foreach (var parent in new[] { 0, -1, long.MaxValue })
            await (await ann.Post("/comments", new { content, parent_id = parent })).Problem(HttpStatusCode.NotFound, "parent_not_found");

        Assert.Equal(0, await fixture.Query<long>("select count(*) from comments_comments where content = @content", new { content }));
    }

    [Fact]
    public async Task No_user_edits_deletes_or_moves_what_another_wrote()
    {
        var (ann, eve) = (await fixture.SignedIn("ann"), await fixture.SignedIn("eve"));
        var root = (await ann.Begin("by ann")).Id();
        var reply = (await ann.Reply(root, "by ann too")).Id();

        foreach (var (caller, status, code) in new[] { (eve, HttpStatusCode.Forbidden, "forbidden"), (fixture.Client(), HttpStatusCode.Unauthorized, "unauthorized") })
        {
            await (await caller.Patch($"/comments/{reply}", new { content = "by eve" })).Problem(status, code);
            await (await caller.Delete($"/comments/{reply}")).Problem(status, code);
            await (await caller.Delete($"/comments/{root}?subtree=true")).Problem(status, code);
            await (await caller.Put($"/comments/{reply}/parent", new { parent_id = (long?)null })).Problem(status, code);
        }

        Assert.Equal(["by ann", "by ann too"], (await ann.Read($"/comments/{root}")).Flatten().Select(comment => comment.Text("content")));
        Assert.Equal(2, await fixture.Version(root));
    }
}
