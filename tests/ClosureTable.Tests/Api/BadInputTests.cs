using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Api;

/// <summary>
/// All that a client can do wrong: it gets a complete problem that says what was wrong, never a 500, and nothing changes,
/// which is seen in the database of an instance that no other test uses.
/// </summary>
public sealed class BadInputTests(ServiceFixture fixture, IsolatedService service) : IClassFixture<IsolatedService>, IAsyncLifetime
{
    private HttpClient ann = null!;
    private string token = "";
    private long comment;
    private long reply;
    private IReadOnlyDictionary<string, string> before = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        token = (await service.NewUser(role: "moderator")).Token;
        ann = service.Caller(token);
        comment = (await ann.Begin("a root", "/a topic")).Id();
        reply = (await ann.Reply(comment)).Id();
        before = await service.Contents();
    }

    /// <summary>None of the tests changed anything.</summary>
    public async ValueTask DisposeAsync() => Assert.Equal(before, await service.Contents());

    private Task<ApiDocument> Document() => ApiDocument.Load(fixture.Client());

    /// <summary>At least those that are known today: a document that lost them would leave a test nothing to try.</summary>
    private async Task<List<ApiOperation>> OperationsThatNeedABody()
    {
        var operations = (await Document()).Operations.Where(operation => operation.NeedsBody).ToList();
        Assert.True(operations.Count >= 6, string.Join(", ", operations));
        return operations;
    }

    private static ByteArrayContent Raw(byte[] bytes, string type = "application/json")
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        return content;
    }

    private static ByteArrayContent Raw(string text, string type = "application/json") => Raw(Encoding.UTF8.GetBytes(text), type);

    // Bodies that are no JSON, or none that any operation takes.

    private static readonly Dictionary<string, byte[]> Unreadable = new()
    {
        { "nothing", [] },
        { "spaces", "  \n"u8.ToArray() },
        { "null", "null"u8.ToArray() },
        { "a number", "5"u8.ToArray() },
        { "a string", "\"content\""u8.ToArray() },
        { "an array", "[]"u8.ToArray() },
        { "half an object", "{\"content\":\"a"u8.ToArray() },
        { "an object and more", "{} {}"u8.ToArray() },
        { "a comma too many", "{\"content\":\"a\",}"u8.ToArray() },
        { "a comment", "{/* */}"u8.ToArray() },
        { "single quotes", "{'content':'a'}"u8.ToArray() },
        { "NaN", "{\"content\":NaN}"u8.ToArray() },
        { "a name twice", "{\"content\":\"a\",\"content\":\"b\",\"email\":\"a\",\"email\":\"b\",\"refresh_token\":\"a\",\"refresh_token\":\"b\",\"parent_id\":1,\"parent_id\":2}"u8.ToArray() },
        { "a control character in a string", "{\"content\":\"a\nb\"}"u8.ToArray() },
        { "a byte that is no UTF-8", [.. "{\"content\":\"a"u8, 0xff, .. "\",\"email\":\""u8, 0xff, .. "\",\"refresh_token\":\""u8, 0xff, .. "\",\"parent_id\":\""u8, 0xff, .. "\"}"u8] },
        { "an overlong U+0000", [.. "{\"content\":\""u8, 0xc0, 0x80, .. "\",\"email\":\""u8, 0xc0, 0x80, .. "\",\"refresh_token\":\""u8, 0xc0, 0x80, .. "\",\"parent_id\":\""u8, 0xc0, 0x80, .. "\"}"u8] },
        { "a surrogate in UTF-8", [.. "{\"content\":\""u8, 0xed, 0xa0, 0x80, .. "\",\"email\":\""u8, 0xed, 0xa0, 0x80, .. "\",\"refresh_token\":\""u8, 0xed, 0xa0, 0x80, .. "\",\"parent_id\":\""u8, 0xed, 0xa0, 0x80, .. "\"}"u8] },
        { "a byte that is no UTF-8 in a name", [.. "{\"a"u8, 0xff, .. "\":1}"u8, 0xff] },
        { "UTF-16", Encoding.Unicode.GetBytes("{\"content\":\"a\"}") },
        { "UTF-16 with its mark", [0xff, 0xfe, .. Encoding.Unicode.GetBytes("{\"content\":\"a\"}")] },
        { "20,000 arrays in each other", Encoding.ASCII.GetBytes(new string('[', 20_000)) },
        { "20,000 objects in each other", Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("{\"a\":", 20_000))) },
        { "20,000 arrays in an unknown field", Encoding.ASCII.GetBytes($"{{\"x\":{new string('[', 20_000)}{new string(']', 20_000)}}}") },
        { "random bytes", [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 167 % 256))] },
    };

    public static IEnumerable<TheoryDataRow<byte[]>> Bodies() =>
        from body in Unreadable
        select new TheoryDataRow<byte[]>(body.Value) { Label = body.Key };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task A_body_that_cannot_be_read_is_400_for_every_operation_that_needs_one(byte[] body)
    {
        foreach (var operation in await OperationsThatNeedABody())
        {
            using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Path.Replace("{id}", $"{comment}", StringComparison.Ordinal));
            request.Content = Raw(body);
            await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.BadRequest);
        }
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=\"utf-16\"")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData("application/json; charset=nonsense")]
    [InlineData("*/*")]
    [InlineData("nonsense")]
    public async Task A_body_of_another_kind_is_415_for_every_operation_that_needs_one(string type)
    {
        foreach (var operation in await OperationsThatNeedABody())
        {
            using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Path.Replace("{id}", $"{comment}", StringComparison.Ordinal));
            request.Content = Raw("{\"content\":\"a\"}", type);
            await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("APPLICATION/JSON;charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json; charset=utf-8; x=y")]
    [InlineData("application/merge-patch+json")]
    public async Task Json_in_UTF_8_may_be_announced_in_any_spelling_and_begin_with_its_mark(string type)
    {
        foreach (var mark in new byte[][] { [], [0xef, 0xbb, 0xbf] })
            await (await ann.PostAsync("/comments", Raw([.. mark, .. "{\"content\":\"a\"}"u8], type), Ct)).Json(HttpStatusCode.Created);
        before = await service.Contents();
    }

    [Fact]
    public async Task Three_megabytes_are_413_for_every_operation_that_needs_a_body()
    {
        foreach (var operation in await OperationsThatNeedABody())
        {
            using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.Path.Replace("{id}", $"{comment}", StringComparison.Ordinal));
            request.Content = Raw($"{{\"content\":\"{new string('x', 3 * 1024 * 1024)}\"}}");
            // Or the answer may come while the body is on its way, which some clients do not notice.
            request.Headers.ExpectContinue = true;
            await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.RequestEntityTooLarge, "body_too_large");
        }
    }

    [Fact]
    public async Task Three_megabytes_that_are_not_announced_are_413_too()
    {
        var answer = await SendRaw($"POST /comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n300000\r\n{{\"content\":\"{new string('x', 3 * 1024 * 1024)}");
        Assert.StartsWith("HTTP/1.1 413 ", answer);
    }

    /// <summary>By hand, because a client that is told 204 goes on to send a body for which the server no longer listens.</summary>
    [Theory]
    [InlineData("Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")]
    public async Task A_logout_whose_body_is_too_large_or_broken_is_204_all_the_same(string rest)
    {
        var answer = await SendRaw($"POST /auth/logout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{rest}");
        Assert.StartsWith("HTTP/1.1 204 ", answer);
    }

    // Fields.

    [Theory]
    [InlineData("""{}""", "content")]
    [InlineData("""{"content":null}""", "content")]
    [InlineData("""{"content":""}""", "content")]
    [InlineData("""{"content":" \t\n\u2003"}""", "content")]
    [InlineData("""{"content":5}""", "content")]
    [InlineData("""{"content":true}""", "content")]
    [InlineData("""{"content":["a"]}""", "content")]
    [InlineData("""{"content":{"a":1}}""", "content")]
    [InlineData("""{"content":"\u0000"}""", "content")]
    [InlineData("""{"content":"a\u0000b"}""", "content")]
    [InlineData("""{"content":"\ud800"}""", "content")]
    [InlineData("""{"content":"\udc00\ud800"}""", "content")]
    [InlineData("""{"content":"a","parent_id":"1"}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":1.5}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":1e400}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":9223372036854775808}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":-9223372036854775809}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":true}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":{}}""", "parent_id")]
    [InlineData("""{"content":"a","parent_id":1,"topic":"/a topic"}""", "topic")]
    [InlineData("""{"content":"a","topic":""}""", "topic")]
    [InlineData("""{"content":"a","topic":"\u0000"}""", "topic")]
    [InlineData("""{"content":"a","topic":"\udfff"}""", "topic")]
    [InlineData("""{"content":"a","topic":5}""", "topic")]
    public async Task A_field_that_is_not_valid_is_named(string body, string field)
    {
        var problem = await (await ann.PostAsync("/comments", Raw(body), Ct)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        var error = Assert.Single(problem.GetProperty("errors").EnumerateObject());
        Assert.Equal(field, error.Name);
        Assert.All(error.Value.EnumerateArray(), sentence => Assert.EndsWith(".", sentence.GetString()));
    }

    [Theory]
    [InlineData("content", 10_001)]
    [InlineData("topic", 513)]
    public async Task A_text_that_is_too_long_is_named(string field, int length)
    {
        var body = new Dictionary<string, string> { ["content"] = "a", [field] = new('x', length) };
        var problem = await (await ann.Post("/comments", body)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(field, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
    }

    [Theory]
    [InlineData("POST", "/auth/register", """{"email":"a@b"}""", "name password")]
    [InlineData("POST", "/auth/refresh", """{"refresh_token":5}""", "refresh_token")]
    [InlineData("POST", "/auth/refresh", """{}""", "refresh_token")]
    [InlineData("PATCH", "/comments/{id}", """{"content":"\u0000"}""", "content")]
    [InlineData("PUT", "/comments/{id}/parent", """{}""", "parent_id")]
    [InlineData("PUT", "/comments/{id}/parent", """{"parent_id":"x"}""", "parent_id")]
    public async Task Every_wrong_field_is_named_in_snake_case(string method, string path, string body, string fields)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("{id}", $"{comment}", StringComparison.Ordinal)) { Content = Raw(body) };
        var problem = await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(fields, string.Join(' ', problem.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    [InlineData(long.MinValue)]
    public async Task A_parent_that_is_not_there_is_404(long parent)
    {
        await (await ann.Post("/comments", new { content = "a", parent_id = parent })).Problem(HttpStatusCode.NotFound, "parent_not_found");
        await (await ann.Put($"/comments/{reply}/parent", new { parent_id = parent })).Problem(HttpStatusCode.NotFound, "parent_not_found");
    }

    // What stands in the address.

    [Theory]
    [InlineData("x")]
    [InlineData("1.0")]
    [InlineData("1e3")]
    [InlineData("0x1")]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("99999999999999999999999999999999999999")]
    [InlineData("%EF%BC%91")]
    [InlineData("%ff")]
    [InlineData("1%20or%201=1")]
    [InlineData("1%0d%0aX:%20y")]
    [InlineData("..%2f..%2fetc%2fpasswd")]
    [InlineData("{id}")]
    public async Task An_id_that_is_no_number_of_64_bits_is_404(string id)
    {
        var document = await Document();
        foreach (var operation in document.Operations.Where(operation => operation.Path.Contains("{id}", StringComparison.Ordinal)))
        {
            using var request = new RequestTemplate(document, operation).Request();
            request.RequestUri = new Uri(operation.Path.Replace("{id}", id, StringComparison.Ordinal), UriKind.Relative);
            await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.NotFound, "not_found");
        }
    }

    [Theory]
    [InlineData("x")]
    [InlineData("1e3")]
    [InlineData("5.0")]
    [InlineData("0x5")]
    [InlineData("1,000")]
    [InlineData("-1")]
    [InlineData("2147483647")]
    [InlineData("2147483648")]
    [InlineData("99999999999999999999")]
    [InlineData("NaN")]
    [InlineData("%00")]
    [InlineData("%ff")]
    [InlineData("%EF%BC%95")]
    [InlineData("5&{name}=6")]
    [InlineData("5\"")]
    public async Task A_number_in_the_query_that_is_none_or_out_of_range_is_named(string value)
    {
        var document = await Document();
        foreach (var operation in document.Operations)
        {
            foreach (var parameter in operation.Parameters.Where(parameter => parameter.In == "query" && parameter.Schema["type"]!.GetValue<string>() == "integer"))
            {
                using var request = new RequestTemplate(document, operation).With("id", $"{comment}").Request();
                var address = request.RequestUri!.OriginalString;
                request.RequestUri = new Uri($"{address}{(address.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{parameter.Name}={value.Replace("{name}", parameter.Name, StringComparison.Ordinal)}", UriKind.Relative);
                var problem = await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.BadRequest, "validation_failed");
                Assert.Equal(parameter.Name, Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
            }
        }
    }

    [Theory]
    [InlineData("/comments?sort=best")]
    [InlineData("/comments?sort=NEW")]
    [InlineData("/comments?sort=")]
    [InlineData("/comments?sort=new&sort=old")]
    [InlineData("/comments?topic=")]
    [InlineData("/comments?topic=%00")]
    [InlineData("/comments?topic=a%00b")]
    [InlineData("/comments/{id}?sort=best")]
    [InlineData("/comments/{id}/children?sort=best")]
    [InlineData("/topics/counts")]
    [InlineData("/topics/counts?topic=")]
    [InlineData("/topics/counts?topic=%00")]
    [InlineData("/comments/search")]
    [InlineData("/comments/search?q=")]
    [InlineData("/comments/search?q=%00")]
    [InlineData("/topics/events")]
    public async Task A_query_that_is_not_valid_is_400(string path) =>
        await (await ann.Get(path.Replace("{id}", $"{comment}", StringComparison.Ordinal))).Problem(HttpStatusCode.BadRequest, "validation_failed");

    [Theory]
    [InlineData("GET", "/comments?sort=best", "", "Must be new, old, top or active.")]
    [InlineData("GET", "/comments?limit=101", "", "Must be a whole number from 1 to 100.")]
    [InlineData("GET", "/comments/{id}?limit=0", "", "Must be a whole number from 1 to 100,000.")]
    [InlineData("GET", "/comments?limit=x", "", "Must be a whole number from 1 to 100.")]
    [InlineData("GET", "/comments?limit=99999999999", "", "Must be a whole number from 1 to 100.")]
    [InlineData("GET", "/topics/counts?{101 topics}", "", "Must be 1 to 100 topics, each 1 to 512 characters long and without U+0000.")]
    [InlineData("GET", "/topics/counts", "", "Must be 1 to 100 topics, each 1 to 512 characters long and without U+0000.")]
    [InlineData("POST", "/comments", "{}", "This is required.")]
    [InlineData("POST", "/comments", """{"content":" "}""", "This is required.")]
    [InlineData("POST", "/comments", """{"content":"\u200b"}""", "Must contain a visible character.")]
    [InlineData("POST", "/auth/refresh", """{"refresh_token":"{513 characters}"}""", "Must be at most 512 characters long.")]
    [InlineData("POST", "/auth/login", """{"email":"ann","password":"x"}""", "Must be an e-mail address of at most 254 characters.")]
    public async Task The_sentences_say_what_would_be_valid(string method, string path, string body, string sentence)
    {
        path = path.Replace("{id}", $"{comment}", StringComparison.Ordinal)
            .Replace("{101 topics}", string.Join('&', Enumerable.Range(0, 101).Select(topic => $"topic={topic}")), StringComparison.Ordinal);
        using var request = new HttpRequestMessage(new(method), path);
        if (body.Length > 0)
            request.Content = Raw(body.Replace("{513 characters}", new string('x', 513), StringComparison.Ordinal));
        var problem = await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(sentence, Assert.Single(Assert.Single(problem.GetProperty("errors").EnumerateObject()).Value.EnumerateArray()).GetString());
    }

    [Fact]
    public async Task A_cursor_that_was_not_handed_out_here_is_400()
    {
        for (var i = 0; i < 2; i++)
            await ann.Begin(topic: "/another topic");
        before = await service.Contents();
        var cursor = (await ann.Read("/comments?topic=/another%20topic&limit=1")).Text("next_cursor");
        var last = cursor[^1] == 'A' ? 'B' : 'A';
        string[] bad =
        [
            "x", "%00", "....", "-", "AAAA", new string('A', 3000), new string('A', 7000), $"{cursor}A", cursor[..^4], $"{cursor[..10]}{(cursor[10] == 'A' ? 'B' : 'A')}{cursor[11..]}",
        ];
        foreach (var each in bad)
        {
            foreach (var list in new[] { "/comments?", $"/comments/{comment}/children?", "/users/me/likes?", "/comments/search?q=a&" })
                await (await ann.Get($"{list}cursor={each}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
        }

        // A good one, elsewhere.
        foreach (var list in new[] { "/comments?", "/comments?topic=/a%20topic&", "/comments?topic=/another%20topic&sort=old&", $"/comments/{comment}/children?", "/users/me/likes?", "/comments/search?q=a&" })
            await (await ann.Get($"{list}cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Theory]
    [InlineData("/")]
    [InlineData("//comments")]
    [InlineData("/comments/1/nothing")]
    [InlineData("/Comments/%2e%2e/%2e%2e/etc/passwd")]
    [InlineData("/nothing?%%%")]
    [InlineData("/%E0%A4%A")]
    [InlineData("/comments/../../secret")]
    public async Task An_address_where_nothing_is_is_404_for_a_write(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{service.Address.GetLeftPart(UriPartial.Authority)}{path}") { Content = Raw("{}") };
        await (await ann.SendAsync(request, Ct)).Problem(path == "/" ? HttpStatusCode.MethodNotAllowed : HttpStatusCode.NotFound);
    }

    [Theory]
    [InlineData("PUT", "/comments")]
    [InlineData("DELETE", "/comments")]
    [InlineData("POST", "/comments/{id}")]
    [InlineData("PATCH", "/comments/{id}/parent")]
    [InlineData("POST", "/comments/{id}/like")]
    [InlineData("DELETE", "/comments/{id}/children")]
    [InlineData("GET", "/auth/login")]
    [InlineData("TRACE", "/comments")]
    [InlineData("PROPFIND", "/comments")]
    [InlineData("POST", "/health/ready")]
    public async Task A_verb_that_an_address_does_not_take_is_405_and_says_which_it_does(string method, string path)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path.Replace("{id}", $"{comment}", StringComparison.Ordinal));
        using var answer = await ann.SendAsync(request, Ct);
        await answer.Problem(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
        Assert.NotEmpty(answer.Content.Headers.Allow);
    }

    // Headers.

    [Theory]
    [InlineData("")]
    [InlineData("é")]
    [InlineData("a\tb")]
    public async Task An_idempotency_key_that_is_no_printable_ASCII_is_400(string key)
    {
        var answer = await SendRaw($"POST /comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: 15\r\n\r\n{{\"content\":\"a\"}}");
        Assert.StartsWith("HTTP/1.1 400 ", answer);
    }

    [Fact]
    public async Task An_idempotency_key_of_256_characters_is_400()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/comments") { Content = Raw("{\"content\":\"a\"}") };
        request.Headers.Add("Idempotency-Key", new string('k', 256));
        var problem = await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal("idempotency_key", Assert.Single(problem.GetProperty("errors").EnumerateObject()).Name);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("\"")]
    [InlineData("\"1-1-1\", nonsense")]
    [InlineData("W/\"1-1-1\"")]
    [InlineData("\"99999999999999999999-1-1\"")]
    public async Task A_precondition_that_cannot_be_read_does_not_hold(string tag)
    {
        foreach (var (method, path, body) in new[]
        {
            (HttpMethod.Patch, $"/comments/{comment}", "{\"content\":\"changed\"}"),
            (HttpMethod.Delete, $"/comments/{reply}", null),
            (HttpMethod.Put, $"/comments/{reply}/parent", "{\"parent_id\":null}"),
        })
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : Raw(body) };
            request.Headers.TryAddWithoutValidation("If-Match", tag);
            await (await ann.SendAsync(request, Ct)).Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        }
    }

    [Theory]
    [InlineData("If-None-Match", "nonsense")]
    [InlineData("If-None-Match", "\"")]
    [InlineData("If-Modified-Since", "yesterday")]
    [InlineData("If-Unmodified-Since", "")]
    [InlineData("Range", "bytes=5-1")]
    [InlineData("Range", "nonsense")]
    [InlineData("Accept", "nonsense")]
    [InlineData("Accept", "text/html;q=7")]
    [InlineData("Accept-Language", "\u0001")]
    [InlineData("Cookie", "=;=;")]
    [InlineData("Origin", "nonsense")]
    [InlineData("X-Forwarded-For", "nonsense, 1.2.3.4.5")]
    public async Task A_header_that_cannot_be_read_does_not_stand_in_the_way_of_reading(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/comments/{comment}");
        request.Headers.TryAddWithoutValidation(header, value);
        Assert.Equal(HttpStatusCode.OK, (await ann.SendAsync(request, Ct)).StatusCode);
    }

    [Theory]
    [InlineData("text/html")]
    [InlineData("text/event-stream")]
    [InlineData("image/png")]
    [InlineData("application/atom+xml")]
    [InlineData("nonsense")]
    public async Task A_client_that_accepts_something_else_is_told_the_reason_all_the_same(string accept)
    {
        foreach (var (path, status) in new[] { ($"/comments/{long.MaxValue}", 404), ("/nothing", 404), ("/comments?limit=x", 400), ("/comments?limit=0", 400), ("/topics/counts?topic=", 400) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("Accept", accept);
            await (await ann.SendAsync(request, Ct)).Problem((HttpStatusCode)status);
        }
    }

    public static TheoryData<string> Tokens() =>
    [
        "", "nonsense", "a.b.c", "...", "null", new string('a', 5000), "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiIxIiwicm9sZSI6Im1vZGVyYXRvciJ9.",
    ];

    /// <summary>Forged, expired and otherwise well-made ones have tests of their own, beside what signs them.</summary>
    [Theory]
    [MemberData(nameof(Tokens))]
    public async Task A_token_that_is_none_is_401_for_every_operation_that_takes_one(string bad)
    {
        var document = await Document();
        foreach (var header in new[] { "Authorization", "X-Auth-Token" })
        {
            foreach (var operation in document.Operations.Where(operation => operation.TakesTokens))
            {
                var needed = operation.Json["security"]!.AsArray().All(alternative => alternative!.AsObject().Count > 0);
                if (bad.Length == 0 && !needed)
                    continue;
                using var request = new RequestTemplate(document, operation).With("id", $"{comment}").Request();
                request.Headers.TryAddWithoutValidation(header, header == "Authorization" ? $"Bearer {bad}" : bad);
                using var answer = await service.Caller().SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
                await answer.Problem(HttpStatusCode.Unauthorized, "unauthorized");
                Assert.NotEmpty(answer.Headers.WwwAuthenticate);
            }
        }
    }

    [Fact]
    public async Task What_takes_no_token_takes_no_notice_of_a_bad_one()
    {
        var stranger = service.Caller("no.good.token");
        await (await stranger.PostAsync("/auth/login", Raw("{}"), Ct)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        await (await stranger.PostAsync("/auth/login", Raw("{}", "text/plain"), Ct)).Problem(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        await (await stranger.GetAsync("/auth/login", Ct)).Problem(HttpStatusCode.MethodNotAllowed, "method_not_allowed");
    }

    // Below HTTP's surface.

    /// <summary>What the server refuses before there is a request that could be answered has a status and no body.</summary>
    [Theory]
    [InlineData("GET /comments HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET /comments HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400)]
    [InlineData("GET /comments\r\n\r\n", 505)]
    [InlineData("GET /comments HTTP/9.9\r\nHost: x\r\n\r\n", 505)]
    [InlineData("GET comments HTTP/1.1\r\nHost: x\r\n\r\n", 405)]
    [InlineData("GET /comments/%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n", 400)]
    [InlineData("nonsense\r\n\r\n", 400)]
    [InlineData("POST /comments HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400)]
    [InlineData("POST /comments HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400)]
    [InlineData("GET /comments HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", 400)]
    public async Task What_is_no_request_is_refused(string request, int status)
    {
        var answer = await SendRaw(request);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer);
    }

    [Fact]
    public async Task An_address_of_10_kilobytes_is_414_and_headers_of_40_are_431()
    {
        Assert.StartsWith("HTTP/1.1 414 ", await SendRaw($"GET /comments?topic={new string('a', 10_000)} HTTP/1.1\r\nHost: x\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 431 ", await SendRaw($"GET /comments HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {new string('a', 40_000)}\r\n\r\n"));
    }

    [Fact]
    public async Task A_chunked_body_that_breaks_off_or_lies_is_400()
    {
        var head = $"POST /comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        Assert.StartsWith("HTTP/1.1 400 ", await SendRaw(head + "zz\r\n{}\r\n0\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 400 ", await SendRaw(head + "fffffffffffffffff\r\n{}\r\n0\r\n\r\n"));
        Assert.StartsWith("HTTP/1.1 400 ", await SendRaw(head + "2\r\n{}0\r\n\r\n"));
    }

    [Fact]
    public async Task Who_expects_a_100_and_is_refused_need_not_send_the_body()
    {
        var answer = await SendRaw("POST /comments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 401 ", answer);
        answer = await SendRaw($"POST /comments HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 413 ", answer);
    }

    /// <returns>The head of the answer.</returns>
    private async Task<string> SendRaw(string request)
    {
        using var connection = new TcpClient();
        await connection.ConnectAsync(service.Address.Host, service.Address.Port, Ct);
        var stream = connection.GetStream();
        try
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(request), Ct);
        }
        catch (IOException)
        {
            // The server had read enough and hung up; what it said is there all the same.
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        var answer = new StringBuilder();
        var buffer = new byte[4096];
        while (!answer.ToString().Contains("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(buffer, deadline.Token) is > 0 and var read)
            answer.Append(Encoding.Latin1.GetString(buffer, 0, read));
        return answer.ToString();
    }
}
