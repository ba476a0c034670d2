using System.Net;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Likes;

public sealed class LikeTests(ServiceFixture fixture)
{
    private static void AssertLikes(JsonElement answer, long id, int count, bool liked)
    {
        Assert.Equal(["id", "like_count", "liked"], answer.EnumerateObject().Select(property => property.Name));
        Assert.Equal((id, count, liked), (answer.Id(), answer.Int("like_count"), answer.GetProperty("liked").GetBoolean()));
    }

    /// <summary>The deltas and counts that a thread's events of kind liked carry, in the order of their versions.</summary>
    private Task<string> LikeEvents(long rootId) => fixture.Query<string>("""
        select coalesce(string_agg(format('%s:%s:%s', version, data ->> 'delta', data ->> 'like_count'), ' ' order by version), '')
        from comments_events
        where root_id = @rootId and kind = 'liked'
        """, new { rootId });

    [Fact]
    public async Task A_like_is_counted_and_shown_to_its_user()
    {
        var (ann, bob) = (await fixture.SignedIn("ann"), await fixture.SignedIn("bob"));
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();

        AssertLikes(await (await bob.Put($"/comments/{reply}/like")).Json(), reply, 1, liked: true);
        AssertLikes(await (await ann.Put($"/comments/{reply}/like")).Json(), reply, 2, liked: true);
        AssertLikes(await (await bob.Delete($"/comments/{reply}/like")).Json(), reply, 1, liked: false);

        var (forAnn, forBob, forAnonymous) = (
            (await ann.Read($"/comments/{root}")).Children().Single(),
            (await bob.Read($"/comments/{root}")).Children().Single(),
            (await fixture.Client().Read($"/comments/{root}")).Children().Single());
        Assert.All([forAnn, forBob, forAnonymous], comment => Assert.Equal(1, comment.Int("like_count")));
        Assert.True(forAnn.GetProperty("liked").GetBoolean());
        Assert.False(forBob.GetProperty("liked").GetBoolean());
        Assert.False(forAnonymous.TryGetProperty("liked", out _));
    }

    [Fact]
    public async Task What_changes_nothing_raises_no_version_and_writes_no_event()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();

        await (await ann.Delete($"/comments/{root}/like")).Json();
        Assert.Equal(1, await fixture.Version(root));

        for (var time = 0; time < 3; time++)
            AssertLikes(await (await ann.Put($"/comments/{root}/like")).Json(), root, 1, liked: true);
        Assert.Equal("2:1:1", await LikeEvents(root));

        for (var time = 0; time < 3; time++)
            AssertLikes(await (await ann.Delete($"/comments/{root}/like")).Json(), root, 0, liked: false);
        Assert.Equal("2:1:1 3:-1:0", await LikeEvents(root));
        Assert.Equal(3, await fixture.Version(root));
    }

    [Fact]
    public async Task A_root_s_likes_order_the_list_and_a_reply_s_do_not()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var (older, newer) = ((await ann.Begin("older", topic)).Id(), (await ann.Begin("newer", topic)).Id());
        var reply = (await ann.Reply(newer)).Id();
        await (await ann.Put($"/comments/{older}/like")).Json();
        await (await ann.Put($"/comments/{reply}/like")).Json();
        await (await (await fixture.SignedIn()).Put($"/comments/{reply}/like")).Json();

        Assert.Equal([older, newer], (await ann.Read($"/comments?topic={topic}&sort=top")).Comments().Ids());
    }

    [Fact]
    public async Task Of_16_likes_of_one_user_at_once_one_counts()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => ann.Put($"/comments/{root}/like")));

        foreach (var answer in answers)
            AssertLikes(await answer.Json(), root, 1, liked: true);
        Assert.Equal("2:1:1", await LikeEvents(root));
    }

    [Fact]
    public async Task Of_many_users_likes_at_once_none_is_lost_and_each_raises_the_version_by_one()
    {
        var root = (await (await fixture.SignedIn()).Begin()).Id();
        var users = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => fixture.SignedIn()));

        // Each likes, takes it back, and likes again, all against each other.
        await Task.WhenAll(users.Select(async user =>
        {
            await (await user.Put($"/comments/{root}/like")).Json();
            await (await user.Delete($"/comments/{root}/like")).Json();
            await (await user.Put($"/comments/{root}/like")).Json();
        }));

        Assert.Equal(16, (await fixture.Client().Read($"/comments/{root}")).Int("like_count"));
        Assert.Equal(16, await fixture.Query<long>("select count(*) from comments_likes where comment_id = @root", new { root }));
        Assert.Equal(16, await fixture.Query<int>("select like_count from comments_threads where root_id = @root", new { root }));
        Assert.Equal(1 + 48, await fixture.Version(root));
        Assert.Equal(16, await fixture.Query<long>("select sum((data ->> 'delta')::int) from comments_events where root_id = @root and kind = 'liked'", new { root }));
    }

    [Fact]
    public async Task A_tombstone_takes_no_likes()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        await ann.Reply(root);
        await (await ann.Put($"/comments/{root}/like")).Json();
        await (await ann.Delete($"/comments/{root}")).Json();

        await (await ann.Put($"/comments/{root}/like")).Problem(HttpStatusCode.Conflict, "comment_deleted");
        await (await ann.Delete($"/comments/{root}/like")).Problem(HttpStatusCode.Conflict, "comment_deleted");
    }

    [Theory]
    [InlineData("9223372036854775807", "comment_not_found")]
    [InlineData("0", "comment_not_found")]
    [InlineData("-1", "comment_not_found")]
    [InlineData("9223372036854775808", "not_found")]
    [InlineData("one", "not_found")]
    public async Task What_is_not_there_cannot_be_liked(string id, string code)
    {
        var ann = await fixture.SignedIn();
        await (await ann.Put($"/comments/{id}/like")).Problem(HttpStatusCode.NotFound, code);
        await (await ann.Delete($"/comments/{id}/like")).Problem(HttpStatusCode.NotFound, code);
    }

    [Fact]
    public async Task An_anonymous_caller_cannot_like()
    {
        var root = (await (await fixture.SignedIn()).Begin()).Id();
        await (await fixture.Client().Put($"/comments/{root}/like")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
        await (await fixture.Client().Delete($"/comments/{root}/like")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
        await (await fixture.Client().Get("/users/me/likes")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }
}
