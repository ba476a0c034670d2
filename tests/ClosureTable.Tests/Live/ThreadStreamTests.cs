using System.Net;
using System.Text.Json;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Live;

public sealed class ThreadStreamTests(ServiceFixture fixture)
{
    private static string Events(JsonElement comment) => $"/comments/{comment.Id()}/events";

    [Fact]
    public async Task What_happens_to_a_thread_is_told_as_it_happens()
    {
        var moderator = await fixture.Moderator();
        var root = await moderator.Begin("the root");
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(root));

        var reply = await moderator.Reply(root.Id(), "hello");
        var created = await watcher.Next();
        Assert.Equal(("created", "2", 2), (created.Kind, created.Id, created.Version));
        Assert.Equal((root.Id(), reply.Id()), (created.Thread, created.CommentId));
        Assert.Equal(root.Id(), created.Data.GetProperty("parent_id").GetInt64());
        Assert.Equal("hello", created.Comment.Text("content"));
        Assert.False(created.Comment.TryGetProperty("liked", out _));
        Assert.False(created.Comment.TryGetProperty("children", out _));

        await (await moderator.Patch($"/comments/{reply.Id()}", new { content = "goodbye" })).Json();
        var edited = await watcher.Next();
        Assert.Equal(("edited", 3, "goodbye"), (edited.Kind, edited.Version, edited.Comment.Text("content")));

        var below = await moderator.Reply(reply.Id());
        Assert.Equal(4, (await watcher.Next()).Version);
        await (await moderator.Put($"/comments/{below.Id()}/parent", new { parent_id = root.Id() })).Json();
        var moved = await watcher.Next();
        Assert.Equal(("moved", 5), (moved.Kind, moved.Version));
        Assert.Equal((root.Id(), reply.Id()), (moved.Data.GetProperty("parent_id").GetInt64(), moved.Data.GetProperty("from_parent").GetInt64()));

        await (await moderator.Delete($"/comments/{reply.Id()}")).Json();
        var deleted = await watcher.Next();
        Assert.Equal(("deleted", 6, JsonValueKind.Null), (deleted.Kind, deleted.Version, deleted.Comment.ValueKind));
        Assert.Equal([reply.Id()], deleted.Data.GetProperty("removed").EnumerateArray().Select(id => id.GetInt64()));
    }

    [Fact]
    public async Task A_tombstone_is_told_with_the_comment_that_stays()
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        var parent = await ann.Reply(root.Id());
        await ann.Reply(parent.Id());
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(root));
        await (await ann.Delete($"/comments/{parent.Id()}")).Json();
        var deleted = await watcher.Next();
        Assert.True(deleted.Data.GetProperty("tombstone").GetBoolean());
        Assert.Empty(deleted.Data.GetProperty("removed").EnumerateArray());
        Assert.True(deleted.Comment.GetProperty("deleted").GetBoolean());
        Assert.Equal(JsonValueKind.Null, deleted.Comment.GetProperty("content").ValueKind);
    }

    [Fact]
    public async Task The_answer_says_that_it_must_not_be_buffered_or_kept()
    {
        var root = await (await fixture.SignedIn()).Begin();
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(root));
        Assert.Equal("no-cache", watcher.Response.Headers.CacheControl?.ToString());
        Assert.Equal("no", Assert.Single(watcher.Response.Headers.GetValues("X-Accel-Buffering")));
        Assert.Null(watcher.Response.Content.Headers.ContentLength);
        Assert.Equal(TimeSpan.FromSeconds(2), watcher.ReconnectionInterval);
    }

    [Fact]
    public async Task The_stream_of_a_reply_is_that_of_its_whole_thread()
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        var reply = await ann.Reply(root.Id());
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(reply));
        Assert.Equal($"{root.Id()}-2", watcher.LastEventId);
        var other = await ann.Reply(root.Id());
        var heard = await watcher.Next();
        Assert.Equal((other.Id(), $"{root.Id()}-3"), (heard.CommentId, heard.Id));
    }

    [Fact]
    public async Task What_was_missed_is_replayed_from_the_last_id_and_goes_over_into_what_happens()
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        for (var i = 0; i < 5; i++)
            await ann.Reply(root.Id());
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(root), lastEventId: "2");
        Assert.Equal([3, 4, 5, 6], (await watcher.Next(4)).Select(heard => heard.Version));
        await ann.Reply(root.Id());
        Assert.Equal(7, (await watcher.Next()).Version);
    }

    [Fact]
    public async Task A_client_that_cannot_set_a_header_resumes_by_a_parameter()
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        await ann.Reply(root.Id());
        await using var watcher = await Watcher.Watch(fixture.Client(), $"{Events(root)}?last_event_id=1", lastEventId: "");
        Assert.Equal(2, (await watcher.Next()).Version);
    }

    [Fact]
    public async Task A_client_that_missed_nothing_is_answered_before_anything_happens()
    {
        // No heartbeat either, within the deadline.
        await using var instance = fixture.Instance(host => host.UseSetting("Live:Heartbeat", "00:05:00"));
        var root = await (await fixture.SignedIn()).Begin();
        using var answer = await Watcher.Send(instance.CreateClient(), Events(root), lastEventId: "1").WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("17")]
    [InlineData("x")]
    [InlineData("9000000000000000000-1")]
    [InlineData("-1")]
    [InlineData("99999999999999999999")]
    public async Task A_position_that_is_not_of_this_thread_is_answered_with_a_reset_and_the_stream_goes_on(string position)
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(root), position);
        var reset = await watcher.Next();
        Assert.Equal(("reset", "1"), (reset.Kind, reset.Id));
        await ann.Reply(root.Id());
        Assert.Equal(("created", 2), await watcher.Next() is var heard ? (heard.Kind, heard.Version) : default);
    }

    [Fact]
    public async Task The_stream_of_an_unknown_comment_is_404() =>
        await (await Watcher.Send(fixture.Client(), "/comments/9000000000000000000/events")).Problem(HttpStatusCode.NotFound, "comment_not_found");

    [Fact]
    public async Task The_deletion_of_the_whole_thread_is_the_last_event_also_for_those_who_come_back_later()
    {
        var moderator = await fixture.Moderator();
        var root = await moderator.Begin();
        var reply = await moderator.Reply(root.Id());
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(reply));
        await (await moderator.Delete($"/comments/{root.Id()}?subtree=true")).Json();
        var deleted = Assert.Single(await watcher.Rest());
        Assert.Equal(("deleted", root.Id()), (deleted.Kind, deleted.CommentId));
        Assert.Equal([root.Id(), reply.Id()], deleted.Data.GetProperty("removed").EnumerateArray().Select(id => id.GetInt64()).Order());

        await using var late = await Watcher.Watch(fixture.Client(), Events(root), lastEventId: "1");
        Assert.Equal(["created", "deleted"], (await late.Rest()).Select(heard => heard.Kind));
        await (await Watcher.Send(fixture.Client(), Events(root), deleted.Version.ToString(null as IFormatProvider))).Problem(HttpStatusCode.NotFound, "comment_not_found");
        await (await Watcher.Send(fixture.Client(), Events(reply), deleted.Id)).Problem(HttpStatusCode.NotFound, "comment_not_found");
    }

    [Fact]
    public async Task A_comment_that_goes_to_another_thread_takes_its_watchers_along()
    {
        var moderator = await fixture.Moderator();
        var from = await moderator.Begin();
        var reply = await moderator.Reply(from.Id());
        var to = await moderator.Begin();
        await using var staying = await Watcher.Watch(fixture.Client(), Events(from));
        await using var leaving = await Watcher.Watch(fixture.Client(), Events(reply));
        await using var receiving = await Watcher.Watch(fixture.Client(), Events(to));
        await (await moderator.Put($"/comments/{reply.Id()}/parent", new { parent_id = to.Id() })).Json();

        var moved = Assert.Single(await leaving.Rest());
        Assert.Equal(("moved", $"{from.Id()}-3"), (moved.Kind, moved.Id));
        Assert.Equal((from.Id(), to.Id()), (moved.Data.GetProperty("from_root").GetInt64(), moved.Data.GetProperty("to_root").GetInt64()));
        Assert.Equal("moved", (await receiving.Next()).Kind);
        Assert.Equal("moved", (await staying.Next()).Kind);

        // A browser comes back with the id that it has, which says nothing about the other thread.
        await using var again = await Watcher.Watch(fixture.Client(), Events(reply), moved.Id);
        var reset = await again.Next();
        Assert.Equal(("reset", $"{to.Id()}-2"), (reset.Kind, reset.Id));
        await moderator.Reply(to.Id());
        Assert.Equal(3, (await again.Next()).Version);
        Assert.Equal(3, (await receiving.Next()).Version);
        await moderator.Reply(from.Id());
        Assert.Equal(4, (await staying.Next()).Version);
    }
}
