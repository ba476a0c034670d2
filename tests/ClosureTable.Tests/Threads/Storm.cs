using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Threads;

/// <summary>
/// Workers who do everything that the service offers, all at once, on a few threads, and remember what they were told. What each
/// worker tries follows from the seed; only how they fall between each other is the machine's.
/// </summary>
internal sealed class Storm(ServiceFixture fixture, int seed)
{
    private const int Workers = 16;
    private const int Moderators = 5;
    private const int Threads = 3;

    private readonly HttpClient anybody = fixture.Client();
    private readonly Lock idsLock = new();
    private readonly List<long> ids = [];

    /// <summary>Created comments, with their text.</summary>
    public ConcurrentDictionary<long, string> Created { get; } = new();

    /// <summary>Edits, by the thread and the version that they made.</summary>
    public ConcurrentDictionary<(long Root, long Version), (long Id, string Content)> Edited { get; } = new();

    /// <summary>Deletions, with the number of comments that they took away.</summary>
    public ConcurrentBag<(long Id, int Count)> Deleted { get; } = [];

    public ConcurrentBag<(long Id, long? ParentId)> Moved { get; } = [];

    /// <summary>The last that a user was told of his like of a comment.</summary>
    public ConcurrentDictionary<(long User, long Id), bool> Likes { get; } = new();

    /// <summary>Answers other than success, by their code.</summary>
    public ConcurrentDictionary<string, int> Refused { get; } = new();

    public async Task Run(int operations)
    {
        var beginner = await fixture.SignedIn();
        for (var thread = 0; thread < Threads; thread++)
            await Create(beginner, null, $"root {thread}", []);
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            var (user, _, token) = await fixture.NewUser($"worker {worker}", worker < Moderators ? Roles.Moderator : Roles.User);
            using var client = fixture.Client().With(token);
            var random = new Random(seed * Workers + worker);
            var own = new List<long>();
            for (var operation = 0; operation < operations; operation++)
                await Do(random, client, user, worker < Moderators, own, $"{worker}.{operation}");
        })));
    }

    private async Task Do(Random random, HttpClient client, long user, bool moderator, List<long> own, string text)
    {
        var id = Any(random);
        // Mostly what one may edit and delete, and sometimes what one may not.
        var mine = own.Count > 0 && random.Next(10) > 0 ? own[random.Next(own.Count)] : id;
        switch (random.Next(100))
        {
            case < 35:
                await Create(client, id, $"reply {text}", own);
                break;
            case < 37:
                await Create(client, null, $"root {text}", own);
                break;
            case < 50:
                using (var answer = await client.Patch($"/comments/{mine}", new { content = $"edit {text}" }))
                {
                    if (await Told(answer) is { } told && told.Int("updated") == 1)
                    {
                        Assert.True(Edited.TryAdd(Version(answer), (mine, $"edit {text}")), "Two edits were told the same version.");
                        await AssertSeen(Version(answer));
                    }
                }

                break;
            case < 63:
                var subtree = moderator && random.Next(4) == 0;
                using (var answer = await client.Delete($"/comments/{mine}{(subtree ? "?subtree=true" : "")}"))
                {
                    if (await Told(answer) is { } told)
                        Deleted.Add((mine, told.Int("deleted")));
                }

                break;
            case < 75 when moderator:
                long? to = random.Next(5) == 0 ? null : Any(random);
                using (var answer = await client.Put($"/comments/{id}/parent", new { parent_id = to }))
                {
                    if (await Told(answer) is { } told && told.Int("moved") > 0)
                        Moved.Add((id, to));
                }

                break;
            default:
                var like = random.Next(3) > 0;
                using (var answer = like ? await client.Put($"/comments/{id}/like") : await client.Delete($"/comments/{id}/like"))
                {
                    if (await Told(answer) is { } told)
                    {
                        Assert.Equal(like, told.GetProperty("liked").GetBoolean());
                        Likes[(user, id)] = like;
                    }
                }

                break;
        }
    }

    /// <summary>Whoever asks after a write was acknowledged gets nothing older, from a cache or from anywhere.</summary>
    private async Task AssertSeen((long Root, long Version) written)
    {
        using var read = await anybody.Get($"/comments/{written.Root}?limit=100");
        if (read.StatusCode != HttpStatusCode.NotFound && Version(read) is var (root, version) && root == written.Root)
            Assert.InRange(version, written.Version, long.MaxValue);
    }

    private async Task Create(HttpClient client, long? parentId, string content, List<long> own)
    {
        using var answer = await client.Post("/comments", new { content, parent_id = parentId });
        if (await Told(answer) is not { } comment)
            return;
        Created[comment.Id()] = content;
        own.Add(comment.Id());
        lock (idsLock)
            ids.Add(comment.Id());
    }

    /// <summary>Some comment that once was there, half of the time one of the newest: where others are too.</summary>
    private long Any(Random random)
    {
        lock (idsLock)
            return ids[random.Next(2) == 0 ? random.Next(ids.Count) : random.Next(Math.Max(0, ids.Count - 10), ids.Count)];
    }

    /// <returns>What a success says; null for a refusal that the contract knows.</returns>
    private async Task<JsonElement?> Told(HttpResponseMessage answer)
    {
        if (answer.IsSuccessStatusCode)
            return await answer.Json(answer.StatusCode);
        var problem = await answer.Json(answer.StatusCode);
        Assert.True(
            answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound or HttpStatusCode.Conflict or HttpStatusCode.UnprocessableEntity,
            $"{(int)answer.StatusCode}: {problem}");
        Refused.AddOrUpdate(problem.Text("code"), 1, (_, count) => count + 1);
        return null;
    }

    private static (long, long) Version(HttpResponseMessage answer)
    {
        var parts = answer.Headers.ETag!.Tag.Trim('"').Split('-');
        return (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }
}
