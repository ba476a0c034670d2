using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Fixture;

/// <summary>Reads answers, and holds failures to the contract's shape.</summary>
internal static class Answers
{
    /// <summary>A thread nests two levels of JSON a level of comments, and the reader stops at 64 unless it is told otherwise.</summary>
    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = 4096 };

    public static async Task<JsonElement> Json(this HttpResponseMessage answer, HttpStatusCode status = HttpStatusCode.OK)
    {
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode} instead of {(int)status}: {body}");
        return JsonSerializer.Deserialize<JsonElement>(body, Deep);
    }

    public static string Text(this JsonElement json, string property) => json.GetProperty(property).GetString()!;

    /// <summary>Asserts that the answer is a complete problem with the status and the code, and returns it.</summary>
    public static async Task<JsonElement> Problem(this HttpResponseMessage answer, HttpStatusCode status, string code)
    {
        var problem = await answer.Json(status);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(code, problem.Text("code"));
        Assert.Equal((int)status, problem.GetProperty("status").GetInt32());
        Assert.Equal(problem.Text("detail"), problem.Text("error"));
        Assert.NotEmpty(problem.Text("title"));
        Assert.NotEmpty(problem.Text("trace_id"));
        return problem;
    }

    public static Task<HttpResponseMessage> Post(this HttpClient client, string path, object body) =>
        client.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> Get(this HttpClient client, string path) =>
        client.GetAsync(path, TestContext.Current.CancellationToken);
}
