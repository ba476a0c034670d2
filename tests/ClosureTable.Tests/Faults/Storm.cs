using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>
/// Writers who create, edit, like and delete, each what is its own, and insist: whatever is not answered is sent again, a new
/// comment with its <c>Idempotency-Key</c>. What they were promised is written down, and held against the database in the end.
/// </summary>
/// <param name="address">Where the service is just now.</param>
internal sealed class Storm(Func<Uri> address) : IDisposable
{
    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly ConcurrentBag<Promise> promises = [];
    private int acknowledged;

    /// <summary>Answers that promise something.</summary>
    public int Acknowledged => Volatile.Read(ref acknowledged);

    /// <summary>Answers that no writer may ever get.</summary>
    public ConcurrentQueue<string> Unexpected { get; } = [];

    /// <summary>Writes until it is told to stop, and then finishes what it began.</summary>
    public async Task Write(int writer, (long Id, string Token) user, long[] roots, CancellationToken stop)
    {
        var random = new Random(writer);
        var mine = new List<Promise>();
        for (var serial = 0; !stop.IsCancellationRequested; serial++)
        {
            var one = mine.Count == 0 ? null : mine[random.Next(mine.Count)];
            switch (random.Next(7))
            {
                case 3 when one is not null:
                    var edited = $"{writer}-{serial}, edited";
                    if (await Insist(HttpMethod.Patch, $"/comments/{one.Id}", new { content = edited }) is { } edit)
                        Promised(one, edit.StatusCode == HttpStatusCode.OK, () => one.Content = edited);
                    break;
                case 4 or 5 when one is not null:
                    if (await Insist(one.Liked ? HttpMethod.Delete : HttpMethod.Put, $"/comments/{one.Id}/like") is { } like)
                        Promised(one, like.StatusCode == HttpStatusCode.OK, () => one.Liked = !one.Liked);
                    break;
                case 6 when one is not null:
                    // Sent again after an answer that was lost, it finds nothing left to do.
                    if (await Insist(HttpMethod.Delete, $"/comments/{one.Id}") is { } delete)
                        Promised(one, delete.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound or HttpStatusCode.Conflict, () => one.Deleted = true);
                    mine.Remove(one);
                    break;
                default:
                    var content = $"{writer}-{serial}";
                    var parentId = one is not null && random.Next(2) == 0 ? one.Id : roots[random.Next(roots.Length)];
                    if (await Insist(HttpMethod.Post, "/comments", new { content, parent_id = parentId }, key: content) is not { } create)
                        break;
                    var created = new Promise { AuthorId = user.Id, Content = content };
                    Promised(created, create.StatusCode == HttpStatusCode.Created, () => created.Id = create.Body.Id());
                    if (created.Id != 0)
                    {
                        promises.Add(created);
                        mine.Add(created);
                    }

                    break;
            }
        }

        void Promised(Promise promise, bool expected, Action keep)
        {
            if (!expected)
            {
                Unexpected.Enqueue($"writer {writer}, comment {promise.Id} '{promise.Content}'");
                mine.Remove(promise);
                return;
            }

            keep();
            Interlocked.Increment(ref acknowledged);
        }

        async Task<(HttpStatusCode StatusCode, JsonElement Body)?> Insist(HttpMethod method, string path, object? body = null, string? key = null)
        {
            while (true)
            {
                try
                {
                    using var request = new HttpRequestMessage(method, new Uri(address(), path)) { Content = body is null ? null : JsonContent.Create(body) };
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", user.Token);
                    if (key is not null)
                        request.Headers.Add("Idempotency-Key", key);
                    using var answer = await client.SendAsync(request, CancellationToken.None);
                    var json = await answer.Content.ReadFromJsonAsync<JsonElement>(CancellationToken.None);
                    if (answer.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                        || answer.StatusCode is HttpStatusCode.Conflict && json.Text("code") == "request_in_flight")
                    {
                        await Task.Delay(answer.Headers.RetryAfter?.Delta / 20 ?? TimeSpan.FromMilliseconds(50), CancellationToken.None);
                        continue;
                    }

                    if ((int)answer.StatusCode >= 500)
                        Unexpected.Enqueue($"writer {writer}, {method} {path}: {json}");
                    return (answer.StatusCode, json);
                }
                catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException or IOException)
                {
                    // The service is gone, or went while it answered.
                    await Task.Delay(50, CancellationToken.None);
                }
            }
        }
    }

    /// <summary>What is not as it was promised; asked for when all writers have stopped.</summary>
    public async Task<List<string>> Broken(NpgsqlConnection connection)
    {
        var rows = (await connection.QueryAsync<Row>("""
            select c.id, c.author_id, c.content, c.deleted_at is not null as deleted, mine.user_id is not null as liked
            from comments_comments c
            left join comments_likes mine on mine.comment_id = c.id and mine.user_id = c.author_id
            where c.parent_id is not null
            """)).ToList();
        var byId = rows.ToDictionary(row => row.Id);
        var broken = new List<string>(Unexpected);
        foreach (var promise in promises)
        {
            var row = byId.GetValueOrDefault(promise.Id);
            if (promise.Deleted ? row is { Deleted: false } : row is null)
                broken.Add($"{promise}: {(promise.Deleted ? "it is still there" : "it is gone")}");
            else if (!promise.Deleted && (row!.Content, row.Liked, row.AuthorId) != (promise.Content, promise.Liked, promise.AuthorId))
                broken.Add($"{promise}: it is {row}");
        }

        var alive = promises.Where(promise => !promise.Deleted).Select(promise => promise.Id).ToHashSet();
        broken.AddRange(rows.Where(row => !row.Deleted && !alive.Contains(row.Id)).Select(row => $"{row}: nobody was promised this"));
        return broken;
    }

    public void Dispose() => client.Dispose();

    private sealed record Promise
    {
        public long Id { get; set; }
        public long AuthorId { get; init; }
        public string Content { get; set; } = "";
        public bool Liked { get; set; }
        public bool Deleted { get; set; }
    }

    private sealed record Row
    {
        public long Id { get; init; }
        public long? AuthorId { get; init; }
        public string Content { get; init; } = "";
        public bool Deleted { get; init; }
        public bool Liked { get; init; }
    }
}
