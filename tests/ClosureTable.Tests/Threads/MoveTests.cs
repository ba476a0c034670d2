using System.Net;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Threads;

public sealed class MoveTests(ServiceFixture fixture) : IAsyncLifetime
{
    private HttpClient ann = null!;
    private HttpClient mod = null!;

    public async ValueTask InitializeAsync() => (ann, mod) = (await fixture.SignedIn("ann"), await fixture.Moderator());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<HttpResponseMessage> Move(long id, long? parentId) => mod.Put($"/comments/{id}/parent", new { parent_id = parentId });

    private async Task AssertSound(params long[] rootIds)
    {
        foreach (var rootId in rootIds)
            Assert.Empty(await fixture.Violations(rootId));
    }

    [Fact]
    public async Task A_whole_subtree_moves_under_another_comment_of_its_thread()
    {
        var root = (await ann.Begin()).Id();
        var (from, to) = ((await ann.Reply(root)).Id(), (await ann.Reply(root)).Id());
        var moved = (await ann.Reply(from)).Id();
        var below = (await ann.Reply(moved)).Id();
        var version = await fixture.Version(root);

        var answer = await (await Move(moved, to)).Json();

        Assert.Equal(2, answer.Int("moved"));
        Assert.Equal((to, 2), (answer.GetProperty("comment").GetProperty("parent_id").GetInt64(), answer.GetProperty("comment").Int("depth")));
        var tree = await ann.Read($"/comments/{root}");
        Assert.Equal([root, from, to, moved, below], tree.Flatten().Ids());
        Assert.Equal([4, 0, 2, 1, 0], tree.Flatten().Select(comment => comment.Int("descendant_count")));
        Assert.Equal([root, to, moved], (await ann.Read($"/comments/{below}/ancestors")).Comments().Ids());
        Assert.Equal(version + 1, await fixture.Version(root));
        await AssertSound(root);
    }

    [Fact]
    public async Task A_subtree_moves_into_another_thread_and_has_its_topic_there()
    {
        var (topic, otherTopic) = (Conversation.NewTopic(), Conversation.NewTopic());
        var (root, other) = ((await ann.Begin("a root", topic)).Id(), (await ann.Begin("a root", otherTopic)).Id());
        var moved = (await ann.Reply(root)).Id();
        var below = (await ann.Reply(moved)).Id();

        await (await Move(moved, other)).Json();

        Assert.Equal([root], (await ann.Read($"/comments/{root}")).Flatten().Ids());
        var tree = await ann.Read($"/comments/{other}");
        Assert.Equal([other, moved, below], tree.Flatten().Ids());
        Assert.All(tree.Flatten(), comment => Assert.Equal((other, otherTopic), (comment.GetProperty("root_id").GetInt64(), comment.Text("topic"))));
        var counts = (await ann.Read($"/topics/counts?topic={topic}&topic={otherTopic}")).GetProperty("counts");
        Assert.Equal((1, 3), (counts.Int(topic), counts.Int(otherTopic)));
        Assert.Equal((4, 2), (await fixture.Version(root), await fixture.Version(other)));
        await AssertSound(root, other);
    }

    [Fact]
    public async Task A_reply_moves_to_the_top_and_back_and_back_again_and_its_versions_go_on()
    {
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("a root", topic)).Id();
        var reply = (await ann.Reply(root)).Id();
        var below = (await ann.Reply(reply)).Id();
        var first = (await ann.Get($"/comments/{root}")).Headers.ETag;

        var top = (await (await Move(reply, null)).Json()).GetProperty("comment");
        Assert.Equal((JsonValueKind.Null, reply, 0, topic), (top.GetProperty("parent_id").ValueKind, top.GetProperty("root_id").GetInt64(), top.Int("depth"), top.Text("topic")));
        Assert.Equal([reply, root], (await ann.Read($"/comments?topic={topic}")).Comments().Ids());
        Assert.Equal([reply, below], (await ann.Read($"/comments/{reply}")).Flatten().Ids());
        var atTheTop = (await ann.Get($"/comments/{reply}")).Headers.ETag;
        var version = await fixture.Version(reply);
        await AssertSound(root, reply);

        await (await Move(reply, root)).Json();
        Assert.Equal([root], (await ann.Read($"/comments?topic={topic}")).Comments().Ids());
        Assert.Equal([root, reply, below], (await ann.Read($"/comments/{root}")).Flatten().Ids());
        Assert.NotEqual(first, (await ann.Get($"/comments/{root}")).Headers.ETag);
        await AssertSound(root, reply);

        // The same thread again, in the same state as before: but its ETag is another, for between them it was elsewhere.
        await (await Move(reply, null)).Json();
        Assert.True(await fixture.Version(reply) > version);
        Assert.NotEqual(atTheTop, (await ann.Get($"/comments/{reply}")).Headers.ETag);
        Assert.Equal([reply, root], (await ann.Read($"/comments?topic={topic}")).Comments().Ids());
        await AssertSound(root, reply);
    }

    [Fact]
    public async Task A_thread_moves_whole_below_a_comment_of_another()
    {
        var topic = Conversation.NewTopic();
        var (root, other) = ((await ann.Begin("a root", topic)).Id(), (await ann.Begin("a root", topic)).Id());
        var reply = (await ann.Reply(root)).Id();
        await (await ann.Put($"/comments/{root}/like")).Json();

        Assert.Equal(2, (await (await Move(root, other)).Json()).Int("moved"));

        Assert.Equal([other, root, reply], (await ann.Read($"/comments/{other}")).Flatten().Ids());
        Assert.Equal([other], (await ann.Read($"/comments?topic={topic}")).Comments().Ids());
        Assert.Equal(3, (await ann.Read($"/topics/counts?topic={topic}")).GetProperty("counts").Int(topic));
        Assert.Equal([other, root, reply], (await ann.Read($"/comments/{other}?sort=top")).Flatten().Ids());
        await AssertSound(root, other);

        // A like that it got meanwhile stands in the list of roots when it is one again.
        await (await mod.Put($"/comments/{root}/like")).Json();
        await (await Move(root, null)).Json();
        Assert.Equal([root, other], (await ann.Read($"/comments?topic={topic}&sort=top")).Comments().Ids());
        await AssertSound(root, other);
    }

    [Fact]
    public async Task A_move_into_itself_or_its_own_subtree_is_422_and_changes_nothing()
    {
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        var below = (await ann.Reply(reply)).Id();

        foreach (var (id, parent) in new[] { (reply, reply), (reply, below), (root, below), (root, root) })
            await (await Move(id, parent)).Problem(HttpStatusCode.UnprocessableEntity, "move_into_itself");

        Assert.Equal(3, await fixture.Version(root));
        Assert.Equal([root, reply, below], (await ann.Read($"/comments/{root}")).Flatten().Ids());
    }

    [Fact]
    public async Task A_move_to_where_it_is_changes_nothing()
    {
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();

        Assert.Equal(0, (await (await Move(reply, root)).Json()).Int("moved"));
        Assert.Equal(0, (await (await Move(root, null)).Json()).Int("moved"));
        Assert.Equal(2, await fixture.Version(root));
    }

    [Fact]
    public async Task A_move_below_what_is_missing_or_deleted_is_refused()
    {
        var root = (await ann.Begin()).Id();
        var (reply, tombstone) = ((await ann.Reply(root)).Id(), (await ann.Reply(root)).Id());
        await ann.Reply(tombstone);
        await (await ann.Delete($"/comments/{tombstone}")).Json();
        var version = await fixture.Version(root);

        await (await Move(reply, long.MaxValue)).Problem(HttpStatusCode.NotFound, "parent_not_found");
        await (await Move(reply, tombstone)).Problem(HttpStatusCode.Conflict, "parent_deleted");
        await (await Move(long.MaxValue, root)).Problem(HttpStatusCode.NotFound, "comment_not_found");
        Assert.Equal(version, await fixture.Version(root));
    }

    [Fact]
    public async Task Only_a_moderator_moves_comments_and_no_author()
    {
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();

        await (await ann.Put($"/comments/{reply}/parent", new { parent_id = (long?)null })).Problem(HttpStatusCode.Forbidden, "forbidden");
        await (await fixture.Client().Put($"/comments/{reply}/parent", new { parent_id = (long?)null })).Problem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(2, await fixture.Version(root));
    }

    [Fact]
    public async Task A_move_without_parent_id_is_400_for_it_might_be_forgotten() =>
        await (await mod.Put($"/comments/{(await ann.Begin()).Id()}/parent", new { })).Problem(HttpStatusCode.BadRequest, "validation_failed");

    [Fact]
    public async Task A_tombstone_that_a_move_leaves_without_replies_goes_and_those_above_it_too()
    {
        var (root, other) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var upper = (await ann.Reply(root)).Id();
        var lower = (await ann.Reply(upper)).Id();
        var moved = (await ann.Reply(lower)).Id();
        await (await ann.Delete($"/comments/{upper}")).Json();
        await (await ann.Delete($"/comments/{lower}")).Json();

        await (await Move(moved, other)).Json();

        Assert.Equal([root], (await ann.Read($"/comments/{root}")).Flatten().Ids());
        Assert.Equal([other, moved], (await ann.Read($"/comments/{other}")).Flatten().Ids());
        await AssertSound(root, other);
    }

    [Fact]
    public async Task A_thread_of_tombstones_goes_when_its_last_comment_moves_away()
    {
        var (root, other) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var moved = (await ann.Reply(root)).Id();
        await (await ann.Delete($"/comments/{root}")).Json();

        await (await Move(moved, other)).Json();

        await (await ann.Get($"/comments/{root}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        Assert.Equal(0, await fixture.Query<long>("select count(*) from comments_threads where root_id = @root", new { root }));
        await AssertSound(root, other);
    }

    [Fact]
    public async Task A_tombstone_moves_with_its_replies()
    {
        var (root, other) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var tombstone = (await ann.Reply(root)).Id();
        var reply = (await ann.Reply(tombstone)).Id();
        await (await ann.Delete($"/comments/{tombstone}")).Json();

        await (await Move(tombstone, other)).Json();

        Assert.Equal([other, tombstone, reply], (await ann.Read($"/comments/{other}")).Flatten().Ids());
        await AssertSound(root, other);
    }
}
