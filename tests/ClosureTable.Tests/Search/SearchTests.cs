using System.Net;
using System.Text.RegularExpressions;
using System.Web;
using ClosureTable.Api.Commands.Transfer;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Search;

public sealed partial class SearchTests(ServiceFixture fixture)
{
    /// <summary>A word that no other test writes: search knows no topics.</summary>
    private static string NewWord() => $"w{Guid.NewGuid():n}";

    [Fact]
    public async Task A_hit_is_a_comment_with_a_snippet_and_the_way_down_to_it()
    {
        var ann = await fixture.SignedIn("ann");
        var word = NewWord();
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        var found = await ann.Reply(reply, $"before {word} after");
        await ann.Reply(reply, "something else");

        var page = await ann.Read($"/comments/search?q={word}");
        var hit = Assert.Single(page.Comments());

        Assert.Null(page.GetProperty("next_cursor").GetString());
        Assert.Equal(found.Id(), hit.Id());
        Assert.Equal("ann", hit.GetProperty("author").Text("name"));
        Assert.False(hit.GetProperty("liked").GetBoolean());
        Assert.False(hit.TryGetProperty("children", out _));
        Assert.Equal($"before <mark>{word}</mark> after", hit.Text("snippet"));
        Assert.Equal([root, reply], hit.GetProperty("ancestors").EnumerateArray().Select(id => id.GetInt64()));
    }

    [Fact]
    public async Task The_article_s_path_finds_the_same()
    {
        var ann = await fixture.SignedIn();
        var (one, two) = (NewWord(), NewWord());
        var both = (await ann.Begin($"{one} {two}")).Id();
        var path = (await ann.Begin($"{one}/{two}")).Id();
        await ann.Begin(one);

        Assert.Equal([both], (await ann.Read($"/comments/search/{one} {two}")).Comments().Ids());
        // To PostgreSQL words with slashes between them are one word, a path.
        Assert.Equal([path], (await ann.Read($"/comments/search/{one}%2F{two}")).Comments().Ids());
        Assert.Equal([path], (await ann.Read($"/comments/search/{one}/{two}")).Comments().Ids());
        Assert.Equal(2, (await ann.Read($"/comments/search/{one}?limit=2")).Comments().Count);
    }

    [Fact]
    public async Task Ancestors_follow_a_move_and_lead_from_the_root_to_the_parent()
    {
        var (ann, moderator) = (await fixture.SignedIn(), await fixture.Moderator());
        var word = NewWord();
        var moved = (await ann.Begin()).Id();
        var found = (await ann.Reply(moved, word)).Id();
        var newRoot = (await ann.Begin()).Id();
        var newParent = (await ann.Reply(newRoot)).Id();
        await (await moderator.Put($"/comments/{moved}/parent", new { parent_id = newParent })).Json();

        var hit = Assert.Single((await ann.Read($"/comments/search?q={word}")).Comments());
        Assert.Equal([newRoot, newParent, moved], hit.GetProperty("ancestors").EnumerateArray().Select(id => id.GetInt64()));
        Assert.Equal(found, hit.Id());
    }

    [Fact]
    public async Task Phrases_or_and_without_are_understood_and_case_is_not_looked_at()
    {
        var ann = await fixture.SignedIn();
        var (a, b, c) = (NewWord(), NewWord(), NewWord());
        var inOrder = (await ann.Begin($"{a.ToUpperInvariant()} {b}")).Id();
        var reversed = (await ann.Begin($"{b} {a}")).Id();
        var other = (await ann.Begin(c)).Id();

        async Task<IEnumerable<long>> Find(string query) =>
            (await ann.Read($"/comments/search?q={Uri.EscapeDataString(query)}")).Comments().Ids().Order();
        Assert.Equal([inOrder, reversed], await Find($"{a} {b}"));
        Assert.Equal([inOrder], await Find($"\"{a} {b}\""));
        Assert.Equal([reversed, other], await Find($"{c} or \"{b} {a}\""));
        Assert.Equal([reversed], await Find($"{a} -\"{a} {b}\""));
        Assert.Empty(await Find($"{a} {c}"));
    }

    [Fact]
    public async Task Words_that_stand_close_together_rank_higher()
    {
        var ann = await fixture.SignedIn();
        var (a, b) = (NewWord(), NewWord());
        var close = (await ann.Begin($"{a} {b}")).Id();
        var apart = (await ann.Begin($"{a} and then a good many words that have nothing to do with it before {b}")).Id();
        var twice = (await ann.Begin($"{a} {b} {a} {b}")).Id();

        Assert.Equal([twice, close, apart], (await ann.Read($"/comments/search?q={a}+{b}")).Comments().Ids());
    }

    [Fact]
    public async Task Every_page_size_gives_each_hit_once_in_one_order_even_where_ranks_are_equal()
    {
        var ann = await fixture.SignedIn();
        var word = NewWord();
        var root = (await ann.Begin($"{word} {word}")).Id();
        for (var count = 0; count < 8; count++)
            await ann.Reply(root, count % 3 == 0 ? $"{word} {word}" : word);

        var all = (await ann.Read($"/comments/search?q={word}")).Comments().Ids();
        Assert.Equal(9, all.Distinct().Count());
        for (var limit = 1; limit <= 9; limit++)
            Assert.Equal(all, (await ann.Walk($"/comments/search?q={word}&limit={limit}")).Ids());
        Assert.Equal(all, (await ann.Walk($"/comments/search?q={word}&limit=2", between: () => ann.Reply(root, "nothing of the kind"))).Ids());
    }

    [Fact]
    public async Task A_cursor_belongs_to_the_words_that_made_it()
    {
        var ann = await fixture.SignedIn();
        var word = NewWord();
        await ann.Begin(word);
        await ann.Begin(word);
        var cursor = (await ann.Read($"/comments/search?q={word}&limit=1")).Text("next_cursor");

        Assert.Single((await ann.Read($"/comments/search/{word}?cursor={cursor}")).Comments());
        await (await ann.Get($"/comments/search?q={word}+more&cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
        await (await ann.Get($"/comments?cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
        await (await ann.Get($"/comments/search?q={word}&cursor=one")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Fact]
    public async Task What_was_deleted_is_not_found_and_what_was_edited_is_found_by_its_new_words()
    {
        var ann = await fixture.SignedIn();
        var (word, newWord) = (NewWord(), NewWord());
        var tombstone = (await ann.Begin(word)).Id();
        await ann.Reply(tombstone);
        await (await ann.Delete($"/comments/{tombstone}")).Json();
        var edited = (await ann.Begin(word)).Id();
        await (await ann.Patch($"/comments/{edited}", new { content = newWord })).Json();

        Assert.Empty((await ann.Read($"/comments/search?q={word}")).Comments());
        Assert.Equal([edited], (await ann.Read($"/comments/search?q={newWord}")).Comments().Ids());
        Assert.Empty((await ann.Read($"/comments/search?q=-{word}")).Comments());
    }

    [Fact]
    public async Task A_snippet_of_any_text_is_safe_HTML()
    {
        var ann = await fixture.SignedIn();
        var word = NewWord();
        // Markup, markers of ours and of others, entities, and what breaks out of attributes.
        await ann.Begin($"5 < 6 & 7 > 6 \uE000fake\uE001 &#xE000; \"quoted\" 'single' <mark>forged {word} </mark> <script>alert(1)</script> é 👍");

        var snippet = Assert.Single((await ann.Read($"/comments/search?q={word}")).Comments()).Text("snippet");

        Assert.Equal(1, Regex.Count(snippet, "<mark>"));
        Assert.Contains($"<mark>{word}</mark>", snippet, StringComparison.Ordinal);
        var rest = snippet.Replace($"<mark>{word}</mark>", word, StringComparison.Ordinal);
        Assert.DoesNotMatch(Markup, rest);
        Assert.DoesNotMatch("[\uE000\uE001]", HttpUtility.HtmlDecode(rest).Replace("&#xE000;", "", StringComparison.Ordinal));
        Assert.Contains("fake &#xE000; \"quoted\" 'single'", HttpUtility.HtmlDecode(rest), StringComparison.Ordinal);
    }

    [GeneratedRegex("""[<>"']""")]
    private static partial Regex Markup { get; }

    [Fact]
    public async Task A_long_text_is_cut_around_its_matches()
    {
        var ann = await fixture.SignedIn();
        var word = NewWord();
        var padding = string.Concat(Enumerable.Repeat("padding ", 400));
        await ann.Begin($"{padding}{word} {padding}{word} {padding}");

        var snippet = Assert.Single((await ann.Read($"/comments/search?q={word}")).Comments()).Text("snippet");

        Assert.InRange(snippet.Length, word.Length, 800);
        Assert.Equal(2, Regex.Count(snippet, $"<mark>{word}</mark>"));
        Assert.Contains(" … ", snippet, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("\"\"\"unbalanced")]
    [InlineData("or")]
    [InlineData("or or -or")]
    [InlineData("-")]
    [InlineData("--")]
    [InlineData("& | ! <-> :* ( ) \\ '")]
    [InlineData("'; drop table comments_comments; --")]
    [InlineData("%")]
    [InlineData("%25")]
    [InlineData("🂡")]
    [InlineData("…")]
    [InlineData("<script>")]
    [InlineData("https://example.org/a?b=c#d")]
    [InlineData("-onlywithout")]
    [InlineData("\u0001\u001f")]
    public async Task Nothing_that_people_type_is_an_error(string query)
    {
        var answer = await (await fixture.Client().Get($"/comments/search?q={Uri.EscapeDataString(query)}")).Json();
        Assert.True(answer.GetProperty("comments").GetArrayLength() <= 20);
        await (await fixture.Client().Get($"/comments/search/{Uri.EscapeDataString(query)}")).Json();
    }

    [Theory]
    [InlineData("?q=")]
    [InlineData("?q=+%09")]
    [InlineData("?q=a%00b")]
    [InlineData("?q=a&limit=0")]
    [InlineData("?q=a&limit=101")]
    [InlineData("?q=a&limit=ten")]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/%20")]
    [InlineData("/a?limit=0")]
    public async Task What_cannot_be_searched_for_is_400(string query)
    {
        using var answer = await fixture.Client().Get($"/comments/search{query}");
        await answer.Problem(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_query_has_at_most_512_characters()
    {
        await (await fixture.Client().Get($"/comments/search?q={new string('a', 512)}")).Json();
        await (await fixture.Client().Get($"/comments/search?q={new string('a', 513)}")).Problem(HttpStatusCode.BadRequest, "validation_failed");
        await (await fixture.Client().Get($"/comments/search/{new string('a', 513)}")).Problem(HttpStatusCode.BadRequest, "validation_failed");
    }

    [Fact]
    public async Task A_zero_byte_in_the_path_is_400()
    {
        // A client of .NET would not send it; a socket does.
        using var client = new System.Net.Sockets.TcpClient();
        var address = fixture.Client().BaseAddress!;
        await client.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        await using var stream = client.GetStream();
        await stream.WriteAsync(
            System.Text.Encoding.ASCII.GetBytes($"GET /comments/search/a%00b HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: close\r\n\r\n"),
            TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 400 ", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_text_of_one_word_and_a_phrase_of_nothing_else_are_no_weapon()
    {
        var ann = await fixture.SignedIn();
        var word = $"w{Guid.NewGuid():n}";
        var bomb = (await ann.Begin(string.Join(' ', Enumerable.Repeat(word, 10_000 / (word.Length + 1))))).Id();
        string Phrase(int words) => Uri.EscapeDataString($"\"{string.Join(' ', Enumerable.Repeat(word[..12], words))}\"");

        // Where ts_headline looks for the phrase itself this ends with a timeout.
        var hit = Assert.Single((await ann.Read($"/comments/search?q={word}+{word}+{word}+{word}")).Comments());
        Assert.Equal(bomb, hit.Id());
        Assert.Contains($"<mark>{word}</mark>", hit.Text("snippet"), StringComparison.Ordinal);
        Assert.Empty((await ann.Read($"/comments/search?q={Phrase(8)}")).Comments());
        await (await ann.Get($"/comments/search?q={Phrase(9)}")).Problem(System.Net.HttpStatusCode.BadRequest, "too_many_words");
    }
}
