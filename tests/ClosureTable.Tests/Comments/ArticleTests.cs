using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Comments;

/// <summary>The article's program, as its reader would try it.</summary>
public sealed class ArticleTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_thread_is_written_and_read_back_as_a_tree()
    {
        var ann = await fixture.SignedIn("ann");
        var root = await ann.Begin("root", Conversation.NewTopic());
        var first = await ann.Reply(root.Id(), "first");
        var second = await ann.Reply(root.Id(), "second");
        var below = await ann.Reply(first.Id(), "below the first");

        var tree = await fixture.Client().Read($"/comments/{root.Id()}");

        Assert.Equal([root.Id(), first.Id(), below.Id(), second.Id()], tree.Flatten().Select(comment => comment.Id()));
        Assert.Equal([0, 1, 2, 1], tree.Flatten().Select(comment => comment.Int("depth")));
        Assert.Equal(["root", "first", "below the first", "second"], tree.Flatten().Select(comment => comment.Text("content")));
        Assert.Equal([2, 1, 0, 0], tree.Flatten().Select(comment => comment.Int("child_count")));
        Assert.Equal([3, 1, 0, 0], tree.Flatten().Select(comment => comment.Int("descendant_count")));
        Assert.All(tree.Flatten(), comment => Assert.Equal(root.Id(), comment.GetProperty("root_id").GetInt64()));
    }

    [Fact]
    public async Task A_subtree_names_its_real_parent_and_level()
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        var reply = await ann.Reply(root.Id());
        var below = await ann.Reply(reply.Id());

        var tree = await fixture.Client().Read($"/comments/{reply.Id()}");

        Assert.Equal(root.Id(), tree.GetProperty("parent_id").GetInt64());
        Assert.Equal([1, 2], tree.Flatten().Select(comment => comment.Int("depth")));
        Assert.Equal(below.Id(), Assert.Single(tree.Children()).Id());
    }

    [Fact]
    public async Task The_tree_has_the_articles_rows_for_each_comment_and_its_ancestors()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        var below = (await ann.Reply(reply)).Id();

        await using var connection = new NpgsqlConnection(fixture.ConnectionString);
        var rows = (await connection.QueryAsync<(long, long, long, int)>("""
            select ancestor_id, nearest_ancestor_id, descendant_id, depth
            from comments_tree
            where descendant_id in (select id from comments_comments where root_id = @root)
            order by descendant_id, ancestor_id
            """, new { root })).ToList();

        Assert.Equal(
            [
                (root, root, root, 0),
                (root, root, reply, 1), (reply, reply, reply, 1),
                (root, reply, below, 2), (reply, reply, below, 2), (below, below, below, 2),
            ],
            rows);
    }

    [Fact]
    public async Task An_anonymous_caller_cannot_comment()
    {
        var answer = await fixture.Client().Post("/comments", new { content = "anonymous" });

        await answer.Problem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Contains("Bearer", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_articles_token_header_signs_in_too()
    {
        var (_, _, token) = await fixture.NewUser();
        var client = fixture.Client();
        client.DefaultRequestHeaders.Add("X-Auth-Token", token);

        Assert.Equal("by the other header", (await client.Begin("by the other header")).Text("content"));
    }

    [Fact]
    public async Task A_reply_to_a_missing_parent_is_404_and_writes_nothing()
    {
        var ann = await fixture.SignedIn();
        var marker = $"lost {Guid.NewGuid()}";

        await (await ann.Post("/comments", new { content = marker, parent_id = long.MaxValue })).Problem(HttpStatusCode.NotFound, "parent_not_found");

        Assert.Equal(0, await fixture.Query<long>("select count(*) from comments_comments where content = @marker", new { marker }));
    }

    [Fact]
    public async Task A_created_comment_says_where_it_is()
    {
        var ann = await fixture.SignedIn("ann");
        var answer = await ann.Post("/comments", new { content = "  trimmed \n" });
        var comment = await answer.Json(HttpStatusCode.Created);

        Assert.Equal($"/comments/{comment.Id()}", answer.Headers.Location?.ToString());
        Assert.Equal("trimmed", comment.Text("content"));
        Assert.Equal("ann", comment.GetProperty("author").Text("name"));
        Assert.Equal(comment.Id(), (await ann.Read(answer.Headers.Location!.ToString())).Id());
    }
}
