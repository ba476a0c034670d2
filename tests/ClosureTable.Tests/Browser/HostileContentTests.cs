using ClosureTable.Tests.Fixture;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>Content, names and topics are text, even if they look like markup.</summary>
[Collection(nameof(Chromium))]
public sealed class HostileContentTests(ServiceFixture service, Chromium chromium)
{
    private static readonly string[] Corpus =
    [
        "<script>window.pwned = 1</script>",
        "<img src=x onerror='window.pwned = 1'>",
        "<svg/onload=window.pwned=1>",
        "\"><script>window.pwned = 1</script>",
        "'-window.pwned=1-'",
        "</textarea><script>window.pwned = 1</script>",
        "</style><script>window.pwned = 1</script>",
        "<style>*{display:none!important}</style>",
        "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
        "<a href='javascript:window.pwned=1'>click</a>",
        "javascript:window.pwned=1",
        "http://example.org/\"onmouseover=\"window.pwned=1",
        "http://example.org/' onclick='window.pwned=1",
        "data:text/html,<script>window.pwned=1</script>",
        "&lt;script&gt;window.pwned = 1&lt;/script&gt;",
        "${window.pwned = 1} {{constructor.constructor('window.pwned=1')()}}",
        "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=window.pwned=1&gt;\">",
        "<closure-comments topic=x></closure-comments><input autofocus onfocus=window.pwned=1>",
        "\u202Egnp.exe \u2066right to left",
        "Z\u0351\u036B\u0343\u036A\u0302\u036B\u033D\u034Fa\u0334\u0319\u0324\u031E\u0349\u035A\u032Fl\u0321\u0359g\u030Co",
    ];

    [Fact]
    public async Task Nothing_in_a_comment_or_a_name_runs_or_becomes_an_element()
    {
        var topic = Conversation.NewTopic();
        foreach (var payload in Corpus)
            await (await service.SignedIn(payload[..Math.Min(payload.Length, 64)])).Begin(payload, topic);

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&sort=old"));

        await reader.Shows(Corpus);
        var names = await reader.Page.Locator("article header b").AllTextContentsAsync();
        Assert.Equal(Corpus.Select(payload => payload[..Math.Min(payload.Length, 64)]), names);
        Assert.Equal(0, await reader.Page.Locator("article :is(script, img, svg, iframe, style, math, table, input, closure-comments)").CountAsync());
        foreach (var link in await reader.Page.Locator("article .text a").AllAsync())
        {
            Assert.StartsWith("http://example.org/", await link.GetAttributeAsync("href"), StringComparison.Ordinal);
            Assert.Null(await link.GetAttributeAsync("onclick"));
            Assert.Equal("nofollow ugc noopener", await link.GetAttributeAsync("rel"));
        }

        Assert.False(await reader.Page.EvaluateAsync<bool>("'pwned' in window"));
    }

    [Fact]
    public async Task Nothing_in_a_topic_runs()
    {
        var ann = await service.SignedIn();
        await using var reader = await chromium.Visit(Chromium.Demo(Conversation.NewTopic()));
        foreach (var payload in Corpus)
        {
            var topic = payload + Guid.NewGuid();
            await ann.Begin($"On {topic}", topic);
            await reader.Page.GotoAsync(Chromium.Demo(topic));
            await reader.Shows($"On {topic}");
            Assert.False(await reader.Page.EvaluateAsync<bool>("'pwned' in window"));
        }
    }

    [Fact]
    public async Task Web_addresses_become_links_and_their_punctuation_does_not()
    {
        var topic = Conversation.NewTopic();
        await (await service.SignedIn()).Begin("See https://example.org/a_(b)?c=d&e#f, or (http://example.com/).\n\nftp://example.net stays text.", topic);

        await using var reader = await chromium.Visit(Chromium.Demo(topic));

        var text = reader.Page.Locator("article .text");
        await Expect(text.Locator("a")).ToHaveTextAsync(["https://example.org/a_(b)?c=d&e#f", "http://example.com/"]);
        await Expect(text.Locator("p")).ToHaveCountAsync(2);
    }
}
