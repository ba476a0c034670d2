using System.Net;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;

namespace ClosureTable.Tests.Comments;

public sealed class DeleteTests(ServiceFixture fixture)
{
    private static async Task<int> Delete(HttpClient client, string path) => (await (await client.Delete(path)).Json()).Int("deleted");

    [Fact]
    public async Task A_comment_without_replies_goes_for_good()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var kept = (await ann.Reply(root)).Id();
        var leaf = (await ann.Reply(kept)).Id();

        Assert.Equal(1, await Delete(ann, $"/comments/{leaf}"));

        await (await ann.Get($"/comments/{leaf}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        await (await ann.Delete($"/comments/{leaf}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        var tree = await ann.Read($"/comments/{root}");
        Assert.Equal([(root, 1, 1), (kept, 0, 0)], tree.Flatten().Select(comment => (comment.Id(), comment.Int("child_count"), comment.Int("descendant_count"))));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_comment_with_replies_becomes_a_tombstone_in_its_place()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        var (before, buried, after) = ((await ann.Reply(root)).Id(), (await ann.Reply(root, "words to forget")).Id(), (await ann.Reply(root)).Id());
        var below = (await ann.Reply(buried)).Id();
        await (await ann.Patch($"/comments/{buried}", new { content = "other words to forget" })).Json();

        Assert.Equal(1, await Delete(ann, $"/comments/{buried}"));

        var tree = await fixture.Client().Read($"/comments/{root}");
        Assert.Equal([root, before, buried, below, after], tree.Flatten().Ids());
        var tombstone = tree.Children()[1];
        Assert.True(tombstone.GetProperty("deleted").GetBoolean());
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (tombstone.GetProperty("content").ValueKind, tombstone.GetProperty("author").ValueKind));
        Assert.Equal((3, 4), (tree.Int("child_count"), tree.Int("descendant_count")));
        Assert.Equal(4, (await ann.Read($"/topics/counts?topic={topic}")).GetProperty("counts").Int(topic));
        // The words are gone, not hidden.
        Assert.Equal(0, await fixture.Query<long>("""
            select (select count(*) from comments_comments where root_id = @root and content like '%forget%')
              + (select count(*) from comments_revisions where comment_id = @buried)
            """, new { root, buried }));
        await (await (await fixture.Moderator()).Delete($"/comments/{buried}")).Problem(HttpStatusCode.Conflict, "comment_deleted");
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_tombstone_goes_with_its_last_reply_and_those_above_it_that_it_held_up()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var upper = (await ann.Reply(root)).Id();
        var lower = (await ann.Reply(upper)).Id();
        var (first, last) = ((await ann.Reply(lower)).Id(), (await ann.Reply(lower)).Id());
        await Delete(ann, $"/comments/{upper}");
        await Delete(ann, $"/comments/{lower}");

        Assert.Equal(1, await Delete(ann, $"/comments/{first}"));
        Assert.Equal([root, upper, lower, last], (await ann.Read($"/comments/{root}")).Flatten().Ids());
        Assert.Equal(3, await Delete(ann, $"/comments/{last}"));

        var tree = await ann.Read($"/comments/{root}");
        Assert.Equal((root, 0, 0), (Assert.Single(tree.Flatten()).Id(), tree.Int("child_count"), tree.Int("descendant_count")));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_thread_of_tombstones_goes_whole_with_its_last_comment()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        var reply = (await ann.Reply(root)).Id();
        await Delete(ann, $"/comments/{root}");

        Assert.Equal(2, await Delete(ann, $"/comments/{reply}"));

        await (await ann.Get($"/comments/{root}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        Assert.Empty((await ann.Read($"/comments?topic={topic}")).Comments());
        Assert.Equal(0, (await ann.Read($"/topics/counts?topic={topic}")).GetProperty("counts").Int(topic));
    }

    [Fact]
    public async Task A_moderator_s_subtree_goes_with_everything_below_and_likes_and_all()
    {
        var (ann, mod) = (await fixture.SignedIn(), await fixture.Moderator());
        var root = (await ann.Begin()).Id();
        var kept = (await ann.Reply(root)).Id();
        var top = (await ann.Reply(root)).Id();
        var below = (await ann.Reply(top)).Id();
        await ann.Reply(below);
        await (await ann.Put($"/comments/{below}/like")).Json();
        await (await ann.Delete($"/comments/{below}")).Json();

        Assert.Equal(3, await Delete(mod, $"/comments/{top}?subtree=true"));

        var tree = await ann.Read($"/comments/{root}");
        Assert.Equal([root, kept], tree.Flatten().Ids());
        Assert.Equal((1, 1), (tree.Int("child_count"), tree.Int("descendant_count")));
        Assert.Equal(0, await fixture.Query<long>("select count(*) from comments_likes where comment_id = @below", new { below }));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_moderator_removes_a_tombstone_with_its_subtree_and_a_whole_thread()
    {
        var (ann, mod) = (await fixture.SignedIn(), await fixture.Moderator());
        var root = (await ann.Begin()).Id();
        var buried = (await ann.Reply(root)).Id();
        await ann.Reply(buried);
        await ann.Reply(root);
        await (await ann.Delete($"/comments/{buried}")).Json();

        Assert.Equal(2, await Delete(mod, $"/comments/{buried}?subtree=true"));
        Assert.Equal(2, await Delete(mod, $"/comments/{root}?subtree=true"));

        await (await ann.Get($"/comments/{root}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        Assert.Equal(0, await fixture.Query<long>("""
            select (select count(*) from comments_tree where ancestor_id = @root or descendant_id = @root)
              + (select count(*) from comments_threads where root_id = @root)
            """, new { root }));
    }

    [Fact]
    public async Task Only_a_moderator_deletes_a_subtree_and_what_is_not_there_is_404()
    {
        var (ann, mod) = (await fixture.SignedIn(), await fixture.Moderator());
        var root = (await ann.Begin()).Id();

        await (await ann.Delete($"/comments/{root}?subtree=true")).Problem(HttpStatusCode.Forbidden, "forbidden");
        await (await ann.Delete($"/comments/{long.MaxValue}?subtree=true")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        await (await mod.Delete($"/comments/{long.MaxValue}?subtree=true")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        await (await ann.Delete($"/comments/{long.MaxValue}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        Assert.Equal(1, await Delete(mod, $"/comments/{root}"));
    }

    [Fact]
    public async Task With_If_Match_a_comment_goes_only_while_the_thread_is_as_it_was_read()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var leaf = (await ann.Reply(root)).Id();
        var tag = (await ann.Get($"/comments/{leaf}")).Headers.ETag!;
        await ann.Reply(root);

        await (await Delete(tag.ToString())).Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        Assert.Equal(2, (await ann.Read($"/comments/{root}")).Int("child_count"));
        await (await Delete((await ann.Get($"/comments/{leaf}")).Headers.ETag!.ToString())).Json();

        Task<HttpResponseMessage> Delete(string ifMatch)
        {
            var request = new HttpRequestMessage(HttpMethod.Delete, $"/comments/{leaf}");
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
            return ann.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }
}
