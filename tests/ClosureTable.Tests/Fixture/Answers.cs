using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Fixture;

/// <summary>Reads answers, and holds failures to the contract's shape.</summary>
internal static partial class Answers
{
    /// <summary>A thread nests two levels of JSON a level of comments, and the reader stops at 64 unless it is told otherwise.</summary>
    public static readonly JsonSerializerOptions Deep = new() { MaxDepth = 4096 };

    public static async Task<JsonElement> Json(this HttpResponseMessage answer, HttpStatusCode status = HttpStatusCode.OK)
    {
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == status, $"{Asked(answer)} → {(int)answer.StatusCode} instead of {(int)status}: {body[..Math.Min(body.Length, 2000)]}");
        return JsonSerializer.Deserialize<JsonElement>(body, Deep);
    }

    public static string Text(this JsonElement json, string property) => json.GetProperty(property).GetString()!;

    /// <summary>Asserts that the answer is a complete problem with the status, and the code where one is named, that betrays nothing; returns it.</summary>
    public static async Task<JsonElement> Problem(this HttpResponseMessage answer, HttpStatusCode status, string? code = null)
    {
        var problem = await answer.Json(status);
        var body = problem.GetRawText();
        Assert.True(answer.Content.Headers.ContentType?.MediaType == "application/problem+json", $"{Asked(answer)} → {answer.Content.Headers.ContentType}: {body}");
        Assert.All(["type", "title", "detail", "code", "trace_id", "error"], member => Assert.NotEmpty(problem.Text(member)));
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.Equal(problem.Text("detail"), problem.Text("error"));
        Assert.DoesNotMatch(Internals(), body);
        // The framework's own words for what is wrong with a field.
        Assert.DoesNotMatch("The field | field is |array type", body);
        if (code is not null)
            Assert.Equal(code, problem.Text("code"));
        return problem;
    }

    /// <summary>What no client needs to know: types, stack traces, SQL.</summary>
    [GeneratedRegex(@"System\.|Microsoft\.|Npgsql|ClosureTable\.|Exception|Attribute|   at |\bselect\b|\binsert\b", RegexOptions.IgnoreCase)]
    private static partial Regex Internals();

    private static string Asked(HttpResponseMessage answer)
    {
        var address = answer.RequestMessage!.RequestUri!.PathAndQuery;
        return $"{answer.RequestMessage.Method} {address[..Math.Min(200, address.Length)]}";
    }

    public static Task<HttpResponseMessage> Post(this HttpClient client, string path, object body) =>
        client.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> Get(this HttpClient client, string path) =>
        client.GetAsync(path, TestContext.Current.CancellationToken);
}
