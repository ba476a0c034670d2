using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Fixture;

/// <summary>The sentences of which stories about comments are made.</summary>
internal static class Conversation
{
    /// <summary>A topic that no other test has.</summary>
    public static string NewTopic() => $"/test/{Guid.NewGuid():n}";

    /// <summary>Begins a thread.</summary>
    public static async Task<JsonElement> Begin(this HttpClient client, string content = "a root", string? topic = null) =>
        await (await client.Post("/comments", new { content, topic })).Json(HttpStatusCode.Created);

    /// <summary>Replies to a comment.</summary>
    public static async Task<JsonElement> Reply(this HttpClient client, long parentId, string content = "a reply") =>
        await (await client.Post("/comments", new { content, parent_id = parentId })).Json(HttpStatusCode.Created);

    public static async Task<JsonElement> Read(this HttpClient client, string path) => await (await client.Get(path)).Json();

    public static Task<HttpResponseMessage> Patch(this HttpClient client, string path, object body) =>
        client.PatchAsJsonAsync(path, body, TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> Put(this HttpClient client, string path, object? body = null) =>
        body is null ? client.PutAsync(path, null, TestContext.Current.CancellationToken) : client.PutAsJsonAsync(path, body, TestContext.Current.CancellationToken);

    public static Task<HttpResponseMessage> Delete(this HttpClient client, string path) =>
        client.DeleteAsync(path, TestContext.Current.CancellationToken);

    /// <summary>All that a list has, page by page, as a client that follows every <c>next_cursor</c> gets it.</summary>
    /// <param name="path">The list, with its query.</param>
    /// <param name="between">What happens after each page but the last.</param>
    public static async Task<List<JsonElement>> Walk(this HttpClient client, string path, Func<Task>? between = null)
    {
        var all = new List<JsonElement>();
        var next = path;
        while (true)
        {
            var page = await client.Read(next);
            all.AddRange(page.Comments());
            if (page.GetProperty("next_cursor").GetString() is not { } cursor)
                return all;
            Assert.NotEmpty(page.Comments());
            next = $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}cursor={Uri.EscapeDataString(cursor)}";
            if (between is not null)
                await between();
        }
    }

    public static List<JsonElement> Comments(this JsonElement page) => [.. page.GetProperty("comments").EnumerateArray()];

    public static long[] Ids(this IEnumerable<JsonElement> comments) => [.. comments.Select(Id)];

    public static long Id(this JsonElement comment) => comment.GetProperty("id").GetInt64();

    public static int Int(this JsonElement json, string property) => json.GetProperty(property).GetInt32();

    public static List<JsonElement> Children(this JsonElement comment) => [.. comment.GetProperty("children").EnumerateArray()];

    /// <summary>The comment and all that the answer shows below it, each before its replies, in the order shown.</summary>
    public static IEnumerable<JsonElement> Flatten(this JsonElement comment)
    {
        var open = new Stack<JsonElement>([comment]);
        while (open.TryPop(out var next))
        {
            yield return next;
            if (next.TryGetProperty("children", out var children))
            {
                foreach (var child in children.EnumerateArray().Reverse())
                    open.Push(child);
            }
        }
    }
}
