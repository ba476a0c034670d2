using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Comments;

public sealed class TopicCountTests(ServiceFixture fixture)
{
    [Theory]
    [InlineData("topic=%20")]
    [InlineData("topic=a%00b")]
    [InlineData("topic=fine&topic=")]
    public async Task A_topic_that_cannot_be_is_400(string query) =>
        await (await fixture.Client().Get($"/topics/counts?{query}")).Problem(HttpStatusCode.BadRequest, "validation_failed");

    [Fact]
    public async Task Comments_of_all_threads_of_a_topic_are_counted_and_tombstones_are_not()
    {
        var ann = await fixture.SignedIn();
        var (topic, other, silent) = (Conversation.NewTopic(), Conversation.NewTopic(), Conversation.NewTopic());
        var root = (await ann.Begin("root", topic)).Id();
        var buried = (await ann.Reply(root)).Id();
        await ann.Reply(buried);
        await ann.Begin("another root", topic);
        await ann.Begin("elsewhere", other);
        await (await ann.Delete($"/comments/{buried}")).Json();

        var counts = (await fixture.Client().Read($"/topics/counts?topic={topic}&topic={other}&topic={silent}&topic={topic}")).GetProperty("counts");

        Assert.Equal(
            [(topic, 3), (other, 1), (silent, 0)],
            counts.EnumerateObject().Select(count => (count.Name, count.Value.GetInt32())).OrderByDescending(count => count.Item2));
    }

    [Fact]
    public async Task One_to_a_hundred_topics_may_be_asked_for()
    {
        string Query(int topics) => string.Join('&', Enumerable.Range(0, topics).Select(number => $"topic={number}"));
        await (await fixture.Client().Get($"/topics/counts?{Query(100)}")).Json();
        await (await fixture.Client().Get($"/topics/counts?{Query(101)}")).Problem(HttpStatusCode.BadRequest, "validation_failed");
        await (await fixture.Client().Get("/topics/counts")).Problem(HttpStatusCode.BadRequest, "validation_failed");
    }
}
