using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;

namespace ClosureTable.Tests.Comments;

public sealed class CreateTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_new_root_is_answered_whole()
    {
        var (id, _, token) = await fixture.NewUser("ann");
        var topic = Conversation.NewTopic();
        var root = await fixture.Client().With(token).Begin("a root", $" {topic}\t");

        Assert.Equal(
            ["id", "parent_id", "root_id", "topic", "depth", "content", "author", "created_at", "edited_at", "deleted", "like_count", "liked", "child_count", "descendant_count", "children"],
            root.EnumerateObject().Select(property => property.Name));
        Assert.Equal(root.Id(), root.GetProperty("root_id").GetInt64());
        Assert.Equal((topic, "a root", 0, 0, 0, 0), (root.Text("topic"), root.Text("content"), root.Int("depth"), root.Int("like_count"), root.Int("child_count"), root.Int("descendant_count")));
        Assert.Equal((id, "ann"), (root.GetProperty("author").Id(), root.GetProperty("author").Text("name")));
        Assert.Equal(TimeSpan.Zero, root.GetProperty("created_at").GetDateTimeOffset().Offset);
        Assert.False(root.GetProperty("deleted").GetBoolean());
        Assert.False(root.GetProperty("liked").GetBoolean());
    }

    [Fact]
    public async Task A_reply_has_its_thread_s_topic_and_may_not_name_one()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();

        Assert.Equal(topic, (await ann.Reply((await ann.Reply(root)).Id())).Text("topic"));
        var problem = await (await ann.Post("/comments", new { content = "a reply", parent_id = root, topic })).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(["topic"], problem.GetProperty("errors").EnumerateObject().Select(error => error.Name));
    }

    [Fact]
    public async Task A_comment_has_1_to_10000_characters_after_trimming_however_many_bytes()
    {
        var ann = await fixture.SignedIn();
        var longest = string.Concat(Enumerable.Repeat("🂡", 10_000));

        Assert.Equal(longest, (await ann.Begin($" {longest}\n")).Text("content"));
        await (await ann.Post("/comments", new { content = longest + "x" })).Problem(HttpStatusCode.BadRequest, "validation_failed");
        await (await ann.Post("/comments", new { content = " \u2003\n" })).Problem(HttpStatusCode.BadRequest, "validation_failed");
        await (await ann.Post("/comments", new { content = "x", topic = new string('t', 513) })).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(512, (await ann.Begin("x", Conversation.NewTopic().PadRight(512, 't'))).Text("topic").Length);
    }

    [Theory]
    [InlineData("\u200b")]
    [InlineData("\u3164\u3164")]
    [InlineData("\u200f \u2066\u2069")]
    [InlineData("\u2800\n\u2800")]
    [InlineData("\u0001\u0085")]
    [InlineData("\ufe0f\u034f")]
    [InlineData("\U000e0041")]
    public async Task A_comment_that_shows_nothing_is_refused_and_nothing_can_be_edited_into_one(string content)
    {
        var ann = await fixture.SignedIn();
        var id = (await ann.Begin()).Id();
        foreach (var answer in new[] { await ann.Post("/comments", new { content }), await ann.Patch($"/comments/{id}", new { content }) })
        {
            var problem = await answer.Problem(HttpStatusCode.BadRequest, "validation_failed");
            Assert.Equal(["Must contain a visible character."], problem.GetProperty("errors").GetProperty("content").EnumerateArray().Select(sentence => sentence.GetString()));
        }

        Assert.Equal("a root", (await ann.Read($"/comments/{id}")).Text("content"));
    }

    [Theory]
    [InlineData("\u200b.")]
    [InlineData("\u202eabc\u202c")]
    [InlineData("👍🏽")]
    [InlineData("☺️")]
    [InlineData("\ue000")]
    public async Task Invisible_characters_may_stand_beside_what_shows(string content) =>
        Assert.Equal(content, (await (await fixture.SignedIn()).Begin(content)).Text("content"));

    [Fact]
    public async Task A_comment_with_any_characters_is_read_back_as_it_was_written()
    {
        var ann = await fixture.SignedIn();
        const string Content = "<script>\"'&</script> \\ / \u0001 \u007f é 漢 👩‍👩‍👧 \u202e \uFFFD ' or 1=1 -- {0} %s @content";
        var id = (await ann.Begin(Content)).Id();

        Assert.Equal(Content, (await ann.Read($"/comments/{id}")).Text("content"));
        Assert.Equal(Content, (await fixture.Client().Read($"/comments/{id}")).Text("content"));
    }

    [Fact]
    public async Task A_reply_raises_the_counts_of_all_above_it_and_the_version_of_its_thread_by_one()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        await ann.Reply(reply);
        await ann.Reply(reply);

        var tree = await ann.Read($"/comments/{root}");
        Assert.Equal([(1, 3), (2, 2), (0, 0), (0, 0)], tree.Flatten().Select(comment => (comment.Int("child_count"), comment.Int("descendant_count"))));
        Assert.Equal(4, await fixture.Version(root));
        Assert.Empty(await fixture.Violations(root));
    }

    [Fact]
    public async Task A_tombstone_takes_no_reply()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        await ann.Reply(root);
        await (await ann.Delete($"/comments/{root}")).Json();

        await (await ann.Post("/comments", new { content = "a reply", parent_id = root })).Problem(HttpStatusCode.Conflict, "parent_deleted");
    }
}
