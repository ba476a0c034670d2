using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using CsCheck;

namespace ClosureTable.Tests.Api;

/// <summary>
/// Requests made up from the API document: values that it allows, values that it excludes, and odd ones, everywhere where a
/// client can put something. Some hundreds here; FUZZ_REQUESTS=100000 sends that many.
/// </summary>
public sealed class FuzzTests(IsolatedService service) : IClassFixture<IsolatedService>
{
    private const int RequestsOfTheSuite = 500;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_request_breaks_the_service_and_every_answer_is_one_that_the_document_names()
    {
        using var anybody = service.Caller();
        var document = await ApiDocument.Load(anybody);
        string[] tokens = [(await service.NewUser()).Token, (await service.NewUser("moderator")).Token];
        var ann = service.Caller(tokens[0]);
        var root = await ann.Begin("words to find", "/a topic");
        for (var i = 0; i < 20; i++)
            await ann.Reply(root.Id() + i / 3, "a reply with words");

        var requests = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_REQUESTS"), CultureInfo.InvariantCulture, out var asked) ? asked : RequestsOfTheSuite;
        await Requests(document, tokens).SampleAsync(
            async request =>
            {
                if (await Complaint(document, anybody, request) is { } complaint)
                    Assert.Fail(complaint);
            },
            iter: requests, threads: 2, print: request => request.ToString());
    }

    /// <returns>What is wrong with the answer; null when it is as it should be.</returns>
    private static async Task<string?> Complaint(ApiDocument document, HttpClient client, OddRequest request)
    {
        using var message = request.Message(client.BaseAddress!);
        using var answer = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, Ct);
        // What the server refuses before the service sees it, as %00 in a path, has no body.
        if (answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestUriTooLong or HttpStatusCode.RequestHeaderFieldsTooLarge && answer.Content.Headers.ContentLength == 0)
            return null;

        // Dots go as they do everywhere: /comments/.. is /.
        var described = document.Find(message.Method, new Uri(client.BaseAddress!, request.Path).AbsolutePath);
        var violations = described is not null ? await document.Violations(described, answer)
            : (int)answer.StatusCode < 400 || answer.Content.Headers.ContentType?.MediaType == "application/problem+json" ? []
            : ["a failure that is no problem"];
        // Too many passwords at once: 503 busy.
        if (violations.Count == 0 && ((int)answer.StatusCode < 500 || answer.StatusCode == HttpStatusCode.ServiceUnavailable))
            return null;
        var body = answer.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await answer.Content.ReadAsStringAsync(Ct);
        return $"{request}\n→ {(int)answer.StatusCode} {string.Join("; ", violations)}\n{body}";
    }

    /// <summary>A request as it goes over the wire: the address is sent as it stands.</summary>
    private sealed record OddRequest(string Method, string Path, string Query, (string Name, string Value)[] Headers, string? ContentType, byte[]? Body)
    {
        public HttpRequestMessage Message(Uri service)
        {
            var address = new Uri($"{service.GetLeftPart(UriPartial.Authority)}{Path}{Query}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            var message = new HttpRequestMessage(new HttpMethod(Method), address);
            if (Body is not null)
            {
                message.Content = new ByteArrayContent(Body);
                message.Content.Headers.TryAddWithoutValidation("Content-Type", ContentType);
            }

            foreach (var (name, value) in Headers)
                message.Headers.TryAddWithoutValidation(name, value);
            return message;
        }

        public override string ToString() =>
            $"{Method} {Path}{Query} {string.Join(' ', Headers.Select(header => $"[{header.Name}: {header.Value}]"))} {ContentType} {(Body is null ? "" : Encoding.UTF8.GetString(Body))}";
    }

    private static readonly string[] OddTexts =
    [
        "", " ", "\t", "\0", "a\0b", "\u0001", "\u007f", "\u0085", "\u2028", "\u202e", "\ufeff", "\uffff", "\ufffd", "e\u0301", "😀", "👨‍👩‍👧", "％", "％0０", "１",
        "null", "undefined", "true", "NaN", "-0", "1e400", "0x1f", "{}", "[]", "'", "''", "\"", "\\", "`", ";--", "' or '1'='1", "%", "_", "%s%n", "{0}", "${x}", "{{x}}", "<script>alert(1)</script>",
        "../../etc/passwd", "a/b", "a?b", "a#b", "a&b=c", "a:*", "!", "a & !b", "(((", "\"unbalanced", "-", "- - -", "a or", "<->", "a <-> b", ":*", "ı", "ß", "ǅ", "İ", new('a', 513), new('b', 10_001),
    ];

    private static readonly Gen<string> Text = Gen.Frequency((3, Gen.OneOf(OddTexts)), (2, Gen.String[0, 40]), (1, Gen.OneOf("words", "/a topic", "a text")));

    private static readonly Gen<string> Number = Gen.Frequency(
        (4, Gen.Int[-2, 120].Select(number => number.ToString(CultureInfo.InvariantCulture))),
        (1, Gen.Long.Select(number => number.ToString(CultureInfo.InvariantCulture))),
        (1, Gen.OneOf("", "+5", "1e3", "5.0", "0x5", "00005", " 5", "5 ", "-0", "2147483648", "9223372036854775807", "9223372036854775808", "99999999999999999999999", "x")));

    /// <summary>Escaped correctly or incorrectly.</summary>
    private static Gen<string> Escaped(Gen<string> text) => Gen.Frequency(
        (6, text.Select(Escape)),
        (1, Gen.OneOf("%", "%%", "%zz", "%4", "%ff", "%C0%80", "%ED%A0%80", "%E0%A4%A", "%u0041", "+", "%2B", "%2F", "%2f", "%5c", "%0d%0a", "%09", ";", "..", ".", "a=b", "=", "[]", "%25%30%30")));

    private static string Escape(string text)
    {
        // What is no text in UTF-16 has no escape; its surrogates go as if each were a character.
        var escaped = new StringBuilder();
        foreach (var bytes in text.EnumerateRunes().Select(rune => Encoding.UTF8.GetBytes(rune.ToString())))
        {
            foreach (var each in bytes)
                escaped.Append(char.IsAsciiLetterOrDigit((char)each) ? ((char)each).ToString() : $"%{each:X2}");
        }

        return escaped.ToString();
    }

    private static Gen<OddRequest> Requests(ApiDocument document, string[] tokens) =>
        Gen.OneOf([.. document.Operations.Select(operation => Request(document, operation, tokens))]);

    private static Gen<OddRequest> Request(ApiDocument document, ApiOperation operation, string[] tokens)
    {
        var path = operation.Parameters.Where(parameter => parameter.In == "path").Aggregate(
            Gen.Const(operation.Path),
            (address, parameter) => Gen.Select(address, Escaped(Value(parameter)), (sofar, value) => sofar.Replace($"{{{parameter.Name}}}", value, StringComparison.Ordinal)));
        var query = operation.Parameters.Where(parameter => parameter.In == "query").Aggregate(
            Gen.Const(""),
            (address, parameter) => Gen.Select(address, Gen.Int[0, 9], Escaped(Value(parameter)), (sofar, often, value) =>
                often < (parameter.Required ? 1 : 5) ? sofar : $"{sofar}{(sofar.Length == 0 ? '?' : '&')}{parameter.Name}={value}{(often == 9 ? $"&{parameter.Name}={value}" : "")}"));
        var headers = Gen.Select(Authorization(tokens), Header().Array[0, 3], (token, others) => token.Concat(others).ToArray());
        return operation.HasBody
            ? Gen.Select(path, query, headers, ContentType, Body(document, operation), (p, q, h, type, body) => new OddRequest(operation.Method, p, q, h, type, body))
            : Gen.Select(path, query, headers, (p, q, h) => new OddRequest(operation.Method, p, q, h, null, null));
    }

    private static Gen<string> Value(ApiParameter parameter) => parameter.Schema["type"]!.ToString() switch
    {
        "integer" => Gen.Frequency((8, Number), (1, Text)),
        "boolean" => Gen.OneOf(Gen.OneOf("true", "false", "TRUE", "1", "yes", ""), Text),
        _ when parameter.Schema["enum"] is JsonArray words => Gen.OneOf(Gen.OneOf([.. words.Select(word => word!.ToString())]), Text),
        _ => Text,
    };

    private static Gen<(string, string)[]> Authorization(string[] tokens) => Gen.Frequency(
        (5, Gen.OneOf(tokens).Select(token => new[] { ("Authorization", $"Bearer {token}") })),
        (1, Gen.OneOf(tokens).Select(token => new[] { ("X-Auth-Token", token) })),
        (1, Gen.Const(Array.Empty<(string, string)>())),
        (1, Gen.Select(Gen.OneOf("Authorization", "X-Auth-Token"), Gen.OneOf("", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "bearer a.b.c", $"{tokens[0]}x"), (name, value) => new[] { (name, value) })));

    private static Gen<(string, string)> Header() => Gen.Select(
        Gen.OneOf("If-Match", "If-None-Match", "Idempotency-Key", "Accept", "Accept-Encoding", "Range", "Last-Event-ID", "Origin", "Cookie", "X-Forwarded-For", "X-HTTP-Method-Override", "If-Modified-Since", "Prefer", "traceparent", "baggage"),
        Gen.OneOf(Gen.OneOf("*", "\"1-1-000000000000\"", "W/\"x\"", "\"", ",", ", ,", "nonsense", "", "0", "-1", "99999999999999999999", "bytes=0-1", "text/html", "*/*;q=0", "00-x-y-z", new string('h', 300)), Gen.Char[' ', '~'].Array[0, 20].Select(characters => new string(characters))),
        (name, value) => (name, value));

    private static readonly Gen<string> ContentType = Gen.Frequency(
        (20, Gen.Const("application/json")),
        (1, Gen.OneOf("application/json; charset=utf-8", "application/json;charset=\"UTF-8\"", "application/json; charset=utf-16", "application/json; charset=x", "application/problem+json", "APPLICATION/JSON", "text/plain", "", "x", "application/x-www-form-urlencoded", "multipart/form-data")));

    private static Gen<byte[]> Body(ApiDocument document, ApiOperation operation)
    {
        var example = new RequestTemplate(document, operation).Example();
        var fields = example.Select(field => Field(field.Key, field.Value?.ToJsonString() ?? "null")).ToArray();
        var whole = fields.Aggregate(Gen.Const(""), (body, field) => Gen.Select(body, field, (sofar, next) => (sofar, next) switch
        {
            (_, "") => sofar,
            ("", _) => next,
            _ => $"{sofar},{next}",
        })).Select(body => $"{{{body}}}");
        return Gen.Frequency(
            (10, whole.Select(Encoding.UTF8.GetBytes)),
            (1, Gen.Select(whole, Gen.Int[0, 60], (body, length) => Encoding.UTF8.GetBytes(body[..Math.Min(length, body.Length)]))),
            (1, Gen.Select(whole.Select(Encoding.UTF8.GetBytes), Gen.Int[0, 1000], Gen.Byte, (body, at, other) =>
            {
                body[at % body.Length] = other;
                return body;
            })),
            (1, Gen.Byte.Array[0, 100]),
            (1, Gen.OneOf("null", "[]", "\"\"", "0", "", "[[[[", "{\"a\":{\"a\":{\"a\":1}}}").Select(Encoding.UTF8.GetBytes)));
    }

    /// <summary>A field as it should be, with something else in it, twice, under another name, or not there.</summary>
    private static Gen<string> Field(string name, string example) => Gen.Frequency(
        (6, Gen.Const($"\"{name}\":{example}")),
        (4, Text.Select(text => $"\"{name}\":{Quote(text)}")),
        (2, Number.Where(number => number.Length > 0).Select(number => $"\"{name}\":{number}")),
        (1, Gen.OneOf("null", "true", "[]", "{}", "[1]", "{\"a\":1}", "\"\\ud800\"", "\"\\udc00x\"", "\"\\u0000\"", "\"\\x\"", "1e999", "-", "01", "\"").Select(value => $"\"{name}\":{value}")),
        (1, Gen.Const($"\"{name}\":{example},\"{name}\":{example}")),
        (1, Gen.Const($"\"{name.ToUpperInvariant()}\":{example},\"x\\ud800\":1")),
        (1, Gen.Const("")));

    /// <summary>In quotes, escaped where JSON asks for it; surrogates as they come.</summary>
    private static string Quote(string text) => $"\"{string.Concat(text.Select(character => character is < ' ' or '"' or '\\' or (>= '\ud800' and <= '\udfff') ? $"\\u{(int)character:x4}" : character.ToString()))}\"";
}
