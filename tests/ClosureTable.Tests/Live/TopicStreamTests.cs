using System.Net;
using System.Web;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Live;

public sealed class TopicStreamTests(ServiceFixture fixture)
{
    private static string Events(string topic) => $"/topics/events?topic={HttpUtility.UrlEncode(topic)}";

    [Fact]
    public async Task New_threads_and_what_happens_to_them_are_told_to_those_who_watch_the_topic()
    {
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(topic));
        await ann.Begin(topic: Conversation.NewTopic());
        var first = await ann.Begin(topic: topic);
        var second = await ann.Begin(topic: topic);
        var reply = await ann.Reply(first.Id());
        var heard = await watcher.Next(3);
        Assert.Equal([first.Id(), second.Id(), reply.Id()], heard.Select(happened => happened.CommentId));
        Assert.Equal([first.Id(), second.Id(), first.Id()], heard.Select(happened => happened.Thread));
        Assert.Equal(topic, heard[2].Comment.Text("topic"));
    }

    [Fact]
    public async Task What_was_missed_is_replayed_from_any_id_that_was_given_out()
    {
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(topic));
        var start = watcher.LastEventId;
        var first = await ann.Begin(topic: topic);
        var second = await ann.Begin(topic: topic);
        for (var i = 0; i < 4; i++)
            await ann.Reply(i % 2 == 0 ? first.Id() : second.Id());
        var heard = await watcher.Next(6);

        foreach (var (id, seen) in heard.Select((happened, index) => (happened.Id!, index + 1)).Prepend((start, 0)))
        {
            await using var again = await Watcher.Watch(fixture.Client(), Events(topic), id);
            var replayed = await again.Next(6 - seen);
            Assert.Equal(heard.Skip(seen).Select(happened => happened.CommentId), replayed.Select(happened => happened.CommentId));
            // And from each id of the replay too: it was one batch, cut in the middle.
            foreach (var (cut, further) in replayed.Select((happened, index) => (happened.Id!, seen + index + 1)))
            {
                await using var third = await Watcher.Watch(fixture.Client(), Events(topic), cut);
                var rest = await third.Next(6 - further);
                Assert.Equal(heard.Skip(further).Select(happened => happened.CommentId), rest.Select(happened => happened.CommentId));
            }
        }
    }

    [Theory]
    [InlineData("1")]
    [InlineData("0:0:")]
    [InlineData("5:3:")]
    [InlineData("5:9:4")]
    [InlineData("5:9:7,6")]
    [InlineData("5:9:9")]
    [InlineData("99999999999999999999:99999999999999999999:")]
    [InlineData("5:9:+1")]
    [InlineData("5:9:+x/6:9:")]
    [InlineData("5:9:+99999999/6:9:")]
    public async Task A_position_that_no_stream_gave_out_is_answered_with_a_reset(string position)
    {
        var topic = Conversation.NewTopic();
        await using var watcher = await Watcher.Watch(fixture.Client(), Events(topic), position);
        Assert.Equal("reset", (await watcher.Next()).Kind);
        var root = await (await fixture.SignedIn()).Begin(topic: topic);
        Assert.Equal(root.Id(), (await watcher.Next()).CommentId);
    }

    [Theory]
    [InlineData("/topics/events")]
    [InlineData("/topics/events?topic=")]
    [InlineData("/topics/events?topic=%00")]
    public async Task A_stream_without_a_good_topic_is_400(string path)
    {
        using var answer = await Watcher.Send(fixture.Client(), path);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }
}
