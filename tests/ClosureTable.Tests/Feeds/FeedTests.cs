using System.Net;
using System.ServiceModel.Syndication;
using System.Text;
using System.Xml;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Feeds;

public sealed class FeedTests(ServiceFixture fixture)
{
    /// <summary>Reads a feed as a feed reader does.</summary>
    private async Task<SyndicationFeed> Feed(string path)
    {
        using var answer = await fixture.Client().Get(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("application/atom+xml; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        using var xml = XmlReader.Create(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        return SyndicationFeed.Load(xml);
    }

    private static string Content(SyndicationItem entry) => Assert.IsType<TextSyndicationContent>(entry.Content).Text;

    private string At(string path) => new Uri(fixture.Client().BaseAddress!, path).AbsoluteUri;

    [Fact]
    public async Task A_topic_s_feed_has_the_comments_of_all_its_threads_newest_first()
    {
        var (ann, bob) = (await fixture.SignedIn("ann"), await fixture.SignedIn("bob"));
        var topic = Conversation.NewTopic();
        var first = await ann.Begin("first\nof two lines", topic);
        var second = (await ann.Begin("second", topic)).Id();
        var reply = await bob.Reply(first.Id(), "a <b>reply</b> & more");
        await bob.Begin("elsewhere", Conversation.NewTopic());

        var feed = await Feed($"/topics/feed?topic={topic}");

        Assert.Equal($"Comments on {topic}", feed.Title.Text);
        Assert.Equal(At($"/topics/feed?topic={topic}"), Assert.Single(feed.Links, link => link.RelationshipType == "self").Uri.AbsoluteUri);
        var entries = feed.Items.ToList();
        Assert.Equal([At($"/comments/{reply.Id()}"), At($"/comments/{second}"), At($"/comments/{first.Id()}")], entries.Select(entry => entry.Id));
        Assert.Equal(entries.Select(entry => entry.Id), entries.Select(entry => Assert.Single(entry.Links).Uri.AbsoluteUri));
        Assert.Equal(["bob", "ann", "ann"], entries.Select(entry => Assert.Single(entry.Authors).Name));
        Assert.Equal(["a <b>reply</b> & more", "second", "first\nof two lines"], entries.Select(Content));
        Assert.All(entries, entry => Assert.Equal("text", entry.Content.Type));
        Assert.Equal("first", entries[2].Title.Text);
        Assert.Equal(reply.GetProperty("created_at").GetDateTimeOffset(), feed.LastUpdatedTime, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_user_s_feed_has_what_the_user_wrote_and_a_stranger_s_is_404()
    {
        var (id, _, token) = await fixture.NewUser("ann");
        var ann = fixture.Client().With(token);
        var root = (await ann.Begin()).Id();
        await (await fixture.SignedIn("bob")).Reply(root);
        var reply = (await ann.Reply(root)).Id();

        var feed = await Feed($"/users/{id}/feed");

        Assert.Equal("Comments by ann", feed.Title.Text);
        Assert.Equal([At($"/comments/{reply}"), At($"/comments/{root}")], feed.Items.Select(entry => entry.Id));
        await (await ann.Get($"/users/{long.MaxValue}/feed")).Problem(HttpStatusCode.NotFound, "user_not_found");
    }

    [Fact]
    public async Task A_feed_has_the_newest_50_comments()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("oldest", topic)).Id();
        for (var count = 0; count < 50; count++)
            await ann.Reply(root, $"reply {count}");

        Assert.Equal(
            Enumerable.Range(0, 50).Reverse().Select(count => $"reply {count}"),
            (await Feed($"/topics/feed?topic={topic}")).Items.Select(Content));
    }

    [Fact]
    public async Task Deleted_comments_leave_the_feed()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        var reply = (await ann.Reply(root)).Id();
        await (await ann.Delete($"/comments/{root}")).Json();

        Assert.Equal(At($"/comments/{reply}"), Assert.Single((await Feed($"/topics/feed?topic={topic}")).Items).Id);
    }

    [Fact]
    public async Task A_topic_without_comments_has_an_empty_feed() =>
        Assert.Empty((await Feed($"/topics/feed?topic={Conversation.NewTopic()}")).Items);

    [Fact]
    public async Task Characters_that_XML_cannot_hold_do_not_break_it()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic() + "\u0001\uFFFE&<";
        await ann.Begin("a\u0001b\u001f\uFFFE\uFFFFc 👍 ]]> d", topic);

        var feed = await Feed($"/topics/feed?topic={Uri.EscapeDataString(topic)}");

        Assert.Equal("a\uFFFDb\uFFFD\uFFFD\uFFFDc 👍 ]]> d", Content(Assert.Single(feed.Items)));
        Assert.EndsWith("\uFFFD\uFFFD&<", feed.Title.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_title_is_cut_between_characters()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        await ann.Begin(new string('a', 79) + "👍👍", topic);

        Assert.Equal(new string('a', 79) + "…", Assert.Single((await Feed($"/topics/feed?topic={topic}")).Items).Title.Text);
    }

    [Fact]
    public async Task A_reader_that_has_the_feed_gets_304_until_something_changes()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        var path = $"/topics/feed?topic={topic}";
        var first = await ann.Get(path);
        var tag = first.Headers.ETag!;
        Assert.False(tag.IsWeak);
        Assert.NotNull(first.Content.Headers.LastModified);

        Assert.Equal(HttpStatusCode.NotModified, (await Conditional(request => request.Headers.IfNoneMatch.Add(tag))).StatusCode);
        Assert.Equal(HttpStatusCode.NotModified, (await Conditional(request => request.Headers.IfModifiedSince = first.Content.Headers.LastModified)).StatusCode);

        await (await ann.Patch($"/comments/{root}", new { content = "edited" })).Json();
        var edited = await Conditional(request => request.Headers.IfNoneMatch.Add(tag));
        Assert.Equal(HttpStatusCode.OK, edited.StatusCode);
        await (await ann.Delete($"/comments/{root}")).Json();
        Assert.Equal(HttpStatusCode.OK, (await Conditional(request => request.Headers.IfNoneMatch.Add(edited.Headers.ETag!))).StatusCode);

        Task<HttpResponseMessage> Conditional(Action<HttpRequestMessage> condition)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            condition(request);
            return ann.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("?topic=")]
    [InlineData("?topic=a%00b")]
    public async Task A_feed_without_a_topic_is_400(string query)
    {
        using var answer = await fixture.Client().Get($"/topics/feed{query}");
        await answer.Problem(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_reader_that_names_no_host_gets_the_feed_too()
    {
        using var client = new System.Net.Sockets.TcpClient();
        var address = fixture.Client().BaseAddress!;
        await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("GET /topics/feed?topic=a HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Contains("http://localhost/topics/feed?topic=a", answer, StringComparison.Ordinal);
    }
}
