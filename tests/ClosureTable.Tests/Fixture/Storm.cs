using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Fixture;

/// <summary>A user who takes part in a storm.</summary>
internal sealed record Worker(long Id, string Token, bool Moderator = false);

/// <summary>
/// Workers who do everything that the service offers, all at once, on a few threads, and remember what they were told. What each
/// worker tries follows from the seed; only how they fall between each other is the machine's.
/// </summary>
/// <param name="address">Where the service is just now.</param>
/// <param name="seed">The number from which everything follows that they try.</param>
/// <param name="insist">
/// Against a service that fails: each changes what is its own alone, and sends again what was not answered, a new comment with its
/// <c>Idempotency-Key</c>, so that every answer is a promise that <see cref="Broken"/> can hold against the database.
/// </param>
internal sealed class Storm(Func<Uri> address, int seed, bool insist = false) : IDisposable
{
    private readonly HttpClient client = new() { Timeout = TimeSpan.FromSeconds(insist ? 30 : 100) };
    private readonly Lock idsLock = new();
    private readonly List<long> ids = [];
    private readonly List<long> roots = [];
    private int acknowledged;

    /// <summary>Created comments, with their author and text.</summary>
    public ConcurrentDictionary<long, (long AuthorId, string Content)> Created { get; } = new();

    /// <summary>Edits, by the thread and the version that they made.</summary>
    public ConcurrentDictionary<(long Root, long Version), (long Id, string Content)> Edited { get; } = new();

    /// <summary>Deletions, with the number of comments that they took away; 0 where the answer that said it was lost.</summary>
    public ConcurrentBag<(long Id, int Count)> Deleted { get; } = [];

    public ConcurrentBag<(long Id, long? ParentId)> Moved { get; } = [];

    /// <summary>The last that a user was told of a like of a comment.</summary>
    public ConcurrentDictionary<(long User, long Id), bool> Likes { get; } = new();

    /// <summary>Answers other than success, by their code.</summary>
    public ConcurrentDictionary<string, int> Refused { get; } = new();

    /// <summary>What no worker may ever be told.</summary>
    public ConcurrentQueue<string> Unexpected { get; } = [];

    /// <summary>Answers that promise something.</summary>
    public int Acknowledged => Volatile.Read(ref acknowledged);

    /// <summary>The last edit of a comment that was acknowledged; of one author's, where the workers insist.</summary>
    private readonly ConcurrentDictionary<long, string> contents = new();

    private sealed record Answer(HttpStatusCode Status, JsonElement Json, EntityTagHeaderValue? Tag)
    {
        public bool Success => (int)Status is >= 200 and < 300;

        public (long Root, long Version) Version
        {
            get
            {
                var parts = Tag!.Tag.Trim('"').Split('-');
                return (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>Begins the threads on which everything happens.</summary>
    public async Task Begin(Worker beginner, int threads)
    {
        for (var thread = 0; thread < threads; thread++)
            await Create(beginner, null, $"root {thread}", roots);
    }

    /// <summary>Lets all work, each until it is told how many operations it did and that they are enough.</summary>
    public Task Run(IReadOnlyList<Worker> workers, Func<int, bool> goesOn) => Task.WhenAll(workers.Select((worker, index) => Task.Run(async () =>
    {
        var random = new Random(seed * workers.Count + index);
        var own = new List<long>();
        for (var operation = 0; goesOn(operation); operation++)
            await Do(random, worker, own, $"{index}.{operation}");
    })));

    private Task Do(Random random, Worker worker, List<long> own, string text)
    {
        var id = Any(random, own);
        // Mostly what one may edit and delete, and sometimes what one may not.
        var mine = own.Count > 0 && (insist || random.Next(10) > 0) ? own[random.Next(own.Count)] : id;
        return (insist && own.Count == 0 ? 0 : random.Next(100)) switch
        {
            < 35 => Create(worker, id, $"reply {text}", own),
            < 37 => Create(worker, null, $"root {text}", own),
            < 50 => Edit(worker, mine, $"edit {text}"),
            < 63 => Delete(worker, mine, subtree: worker.Moderator && random.Next(4) == 0, own),
            < 75 when worker.Moderator => Move(worker, id, random.Next(5) == 0 ? null : Any(random, own)),
            _ => Like(worker, insist ? mine : id, random.Next(3) > 0),
        };
    }

    /// <summary>Some comment that once was there, half of the time one of the newest: where others are too. Those who insist keep to a root or their own.</summary>
    private long Any(Random random, List<long> own)
    {
        if (insist)
            return own.Count > 0 && random.Next(2) == 0 ? own[random.Next(own.Count)] : roots[random.Next(roots.Count)];
        lock (idsLock)
            return ids[random.Next(2) == 0 ? random.Next(ids.Count) : random.Next(Math.Max(0, ids.Count - 10), ids.Count)];
    }

    private async Task Create(Worker worker, long? parentId, string content, List<long> own)
    {
        var answer = await Told(worker, HttpMethod.Post, "/comments", new { content, parent_id = parentId }, key: insist ? content : null);
        if (!answer.Success)
            return;
        var id = answer.Json.Id();
        Created[id] = (worker.Id, content);
        own.Add(id);
        lock (idsLock)
            ids.Add(id);
    }

    private async Task Edit(Worker worker, long id, string content)
    {
        var answer = await Told(worker, HttpMethod.Patch, $"/comments/{id}", new { content });
        if (!answer.Success)
            return;
        contents[id] = content;
        // Sent again after an answer that was lost, it finds nothing left to do.
        if (answer.Json.Int("updated") == 0)
            return;
        if (!Edited.TryAdd(answer.Version, (id, content)))
            Unexpected.Enqueue($"The version {answer.Version} was told of two edits.");
        if (!insist)
            await AssertSeen(answer.Version);
    }

    private async Task Delete(Worker worker, long id, bool subtree, List<long> own)
    {
        var answer = await Told(worker, HttpMethod.Delete, $"/comments/{id}{(subtree ? "?subtree=true" : "")}");
        if (answer.Success)
            Deleted.Add((id, answer.Json.Int("deleted")));
        else if (insist && answer.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
            Deleted.Add((id, 0));
        if (insist)
            own.Remove(id);
    }

    private async Task Move(Worker worker, long id, long? to)
    {
        var answer = await Told(worker, HttpMethod.Put, $"/comments/{id}/parent", new { parent_id = to });
        if (answer.Success && answer.Json.Int("moved") > 0)
            Moved.Add((id, to));
    }

    private async Task Like(Worker worker, long id, bool like)
    {
        var answer = await Told(worker, like ? HttpMethod.Put : HttpMethod.Delete, $"/comments/{id}/like");
        if (!answer.Success)
            return;
        if (answer.Json.GetProperty("liked").GetBoolean() != like)
            Unexpected.Enqueue($"The like of {id} is not what was asked for: {answer.Json}");
        Likes[(worker.Id, id)] = like;
    }

    /// <summary>A read that is sent after a write was acknowledged shows nothing older, from a cache or from anywhere.</summary>
    private async Task AssertSeen((long Root, long Version) written)
    {
        var read = await Send(null, HttpMethod.Get, $"/comments/{written.Root}?limit=100", null, null);
        if (read.Status != HttpStatusCode.NotFound && read.Version is var (root, version) && root == written.Root && version < written.Version)
            Unexpected.Enqueue($"Thread {root} was shown at version {version} after {written.Version} was acknowledged.");
    }

    /// <summary>Sends a write, and counts the answer: as a promise, as a refusal that the contract knows, or as unexpected.</summary>
    private async Task<Answer> Told(Worker worker, HttpMethod method, string path, object? body = null, string? key = null)
    {
        var answer = await Send(worker, method, path, body, key);
        if (answer.Success)
        {
            Interlocked.Increment(ref acknowledged);
            return answer;
        }

        Refused.AddOrUpdate(answer.Json.Text("code"), 1, (_, count) => count + 1);
        // Of what is one's own alone, only the deletion of what an unheard one has deleted already.
        var known = insist
            ? method == HttpMethod.Delete && !path.EndsWith("/like", StringComparison.Ordinal) && answer.Status is HttpStatusCode.NotFound or HttpStatusCode.Conflict
            : answer.Status is HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity;
        if (known)
            Interlocked.Add(ref acknowledged, insist ? 1 : 0);
        else
            Unexpected.Enqueue($"{method} {path} by {worker.Id}: {(int)answer.Status} {answer.Json}");
        return answer;
    }

    private async Task<Answer> Send(Worker? worker, HttpMethod method, string path, object? body, string? key)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(address(), path)) { Content = body is null ? null : JsonContent.Create(body) };
                if (worker is not null)
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", worker.Token);
                if (key is not null)
                    request.Headers.Add("Idempotency-Key", key);
                using var response = await client.SendAsync(request, CancellationToken.None);
                var json = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(CancellationToken.None), Answers.Deep);
                var later = response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                    || response.StatusCode is HttpStatusCode.Conflict && json.Text("code") == "request_in_flight";
                if (!insist || !later)
                    return new Answer(response.StatusCode, json, response.Headers.ETag);
                await Task.Delay(response.Headers.RetryAfter?.Delta / 20 ?? TimeSpan.FromMilliseconds(50), CancellationToken.None);
            }
            catch (Exception exception) when (insist && exception is HttpRequestException or TaskCanceledException or IOException)
            {
                // The service is gone, or went while it answered.
                await Task.Delay(50, CancellationToken.None);
            }
        }
    }

    /// <summary>What is not as those who insist were promised; asked for when all have stopped, on a database that is theirs alone.</summary>
    public async Task<List<string>> Broken(NpgsqlConnection connection)
    {
        var rows = (await connection.QueryAsync<Row>("""
            select c.id, c.author_id, c.content, c.deleted_at is not null as deleted, mine.user_id is not null as liked
            from comments_comments c
            left join comments_likes mine on mine.comment_id = c.id and mine.user_id = c.author_id
            """)).ToList();
        var byId = rows.ToDictionary(row => row.Id);
        var deleted = Deleted.Select(deletion => deletion.Id).ToHashSet();
        var broken = new List<string>(Unexpected);
        foreach (var (id, (authorId, first)) in Created)
        {
            var row = byId.GetValueOrDefault(id);
            var promised = new Row { Id = id, AuthorId = authorId, Content = contents.GetValueOrDefault(id, first), Liked = Likes.GetValueOrDefault((authorId, id)) };
            if (deleted.Contains(id) ? row is { Deleted: false } : row is null)
                broken.Add($"{promised}: {(deleted.Contains(id) ? "it is still there" : "it is gone")}");
            else if (!deleted.Contains(id) && row != promised)
                broken.Add($"{promised}: it is {row}");
        }

        broken.AddRange(rows.Where(row => !row.Deleted && (!Created.ContainsKey(row.Id) || deleted.Contains(row.Id))).Select(row => $"{row}: this was never promised"));
        return broken;
    }

    public void Dispose() => client.Dispose();

    private sealed record Row
    {
        public long Id { get; init; }
        public long? AuthorId { get; init; }
        public string Content { get; init; } = "";
        public bool Deleted { get; init; }
        public bool Liked { get; init; }
    }
}
