using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Threads;

/// <summary>
/// Many writers at once, and afterwards proof that nothing was lost, doubled or made up: the event logs put what was acknowledged
/// in an order, the model does it again in that order, and the database, and what the service answers, is what the model has.
/// <c>STORM_SECONDS=600</c> makes it last; <c>STORM_SEED</c> repeats what the workers tried.
/// </summary>
public sealed class StormTests(OwnServiceFixture fixture) : IClassFixture<OwnServiceFixture>
{
    private const int Workers = 16;
    private const int Moderators = 5;

    private static readonly int Seconds = Setting("STORM_SECONDS") ?? 0;
    private static readonly int Seed = Setting("STORM_SEED") ?? Environment.TickCount & 0xffff;

    private static int? Setting(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : null;

    [Fact]
    public async Task What_was_acknowledged_in_a_storm_is_what_the_threads_hold()
    {
        var begun = Stopwatch.GetTimestamp();
        var round = 0;
        do
        {
            var seed = Seed + round++;
            try
            {
                await Round(seed);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"Repeat with STORM_SEED={seed}.", exception);
            }
        }
        while (Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(Seconds));
    }

    private async Task Round(int seed)
    {
        var before = await fixture.Query<long>("select coalesce(max(id), 0) from comments_comments");
        using var storm = new Storm(() => fixture.Client().BaseAddress!, seed);
        var workers = await Task.WhenAll(Enumerable.Range(0, Workers).Select(async worker =>
        {
            var (id, _, token) = await fixture.NewUser($"worker {worker}", worker < Moderators ? Roles.Moderator : Roles.User);
            return new Worker(id, token, Moderator: worker < Moderators);
        }));
        await storm.Begin(workers[^1], threads: 3);
        await storm.Run(workers, operations => operations < (Seconds > 0 ? 250 : 60));
        Assert.Empty(storm.Unexpected);

        var model = Replay(storm, await fixture.Rows<Event>("""
            select root_id, version, kind, comment_id, data::text as data
            from comments_events
            where root_id > @before
            order by root_id, version
            """, new { before }));

        Assert.Empty(await fixture.Violations());
        await AssertHeld(model, storm, before);
        await AssertShown(model);
        TestContext.Current.SendDiagnosticMessage(
            $"seed {seed}: {storm.Created.Count} created, {storm.Edited.Count} edited, {storm.Deleted.Count} deleted, {storm.Moved.Count} moved, " +
            $"{storm.Likes.Count} liked or not; refused: {string.Join(", ", storm.Refused.Select(pair => $"{pair.Value} {pair.Key}"))}");
        Assert.All([storm.Created.Count, storm.Edited.Count, storm.Deleted.Count, storm.Moved.Count, storm.Likes.Count], count => Assert.NotEqual(0, count));
    }

    private sealed record Event
    {
        public long RootId { get; init; }
        public long Version { get; init; }
        public string Kind { get; init; } = "";
        public long CommentId { get; init; }
        public string? Data { get; init; }

        public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Data!);

        public long? Number(string property) => Json.GetProperty(property) is { ValueKind: JsonValueKind.Number } number ? number.GetInt64() : null;

        /// <summary>The other thread in whose log a move between threads stands too.</summary>
        public long? Elsewhere => Kind != "moved" || Number("from_root") == Number("to_root")
            ? null
            : Number("from_root") == RootId ? Number("to_root") : Number("from_root");
    }

    /// <summary>
    /// Each log is a serial order of its thread; a move between threads is one event in two logs, and happens when it is the next
    /// in both. That there always is a next one says that the logs fit together to one order of everything.
    /// </summary>
    private static ThreadModel Replay(Storm storm, List<Event> events)
    {
        var logs = events.GroupBy(happened => happened.RootId).ToDictionary(log => log.Key, log => new Queue<Event>(log));
        foreach (var log in logs.Values)
            Assert.Equal(Enumerable.Range(1, log.Count).Select(version => (long)version), log.Select(happened => happened.Version));

        var model = new ThreadModel();
        var (edited, deleted, moved) = (storm.Edited.ToDictionary(), storm.Deleted.ToList(), storm.Moved.ToList());
        var created = new HashSet<long>();
        while (logs.Values.Any(log => log.Count > 0))
        {
            var next = logs.Values.Where(log => log.Count > 0).Select(log => log.Peek()).FirstOrDefault(IsNext);
            Assert.True(next is not null, "The logs contradict each other: each waits for another's move.");
            logs[next.RootId].Dequeue();
            if (next.Elsewhere is { } other)
                Assert.Equal(next.Data, logs[other].Dequeue().Data);
            Apply(next);
        }

        // All that was acknowledged has happened, and nothing else.
        Assert.Equal(storm.Created.Keys.Order(), created.Order());
        Assert.Empty(edited);
        Assert.Empty(deleted);
        Assert.Empty(moved);
        return model;

        bool IsNext(Event head) => head.Elsewhere is not { } other
            || logs.TryGetValue(other, out var log) && log.TryPeek(out var same) && same.Kind == "moved" && same.CommentId == head.CommentId && same.Elsewhere == head.RootId;

        void Apply(Event happened)
        {
            var id = happened.CommentId;
            switch (happened.Kind)
            {
                case "created":
                    model.Create(id, happened.Number("parent_id"), storm.Created[id].Content);
                    Assert.Equal(happened.RootId, model.RootOf(id));
                    Assert.True(created.Add(id));
                    break;
                case "edited":
                    Assert.True(edited.Remove((happened.RootId, happened.Version), out var edit), $"No client was told of the edit of {id}.");
                    Assert.Equal(id, edit.Id);
                    model.Edit(id, edit.Content);
                    break;
                case "deleted" when happened.Json.GetProperty("tombstone").GetBoolean():
                    model.Bury(id);
                    Assert.True(deleted.Remove((id, 1)), $"No client was told of the tombstone {id}.");
                    break;
                case "deleted":
                    // A tombstone without replies goes by itself, when its last one moved away.
                    var pruned = model[id].Deleted && model[id].Children.Count == 0;
                    var gone = happened.Json.GetProperty("removed").EnumerateArray().Select(element => element.GetInt64()).ToHashSet();
                    var top = Assert.Single(gone, comment => model[comment].ParentId is not { } parent || !gone.Contains(parent));
                    Assert.Equal(gone, model.Below(top).Select(node => node.Id).ToHashSet());
                    Assert.Equal(gone.Count, model.Remove(top));
                    Assert.True(pruned || deleted.Remove((id, gone.Count)), $"No client was told of the deletion of {id} with {gone.Count} comments.");
                    break;
                case "moved":
                    Assert.Equal(happened.Number("from_parent"), model[id].ParentId);
                    model.Move(id, happened.Number("parent_id"));
                    Assert.True(moved.Remove((id, happened.Number("parent_id"))), $"No client was told of the move of {id}.");
                    break;
                case "liked":
                    model.Like(id, (int)happened.Number("delta")!);
                    Assert.Equal(happened.Number("like_count"), model[id].Likes);
                    break;
                default:
                    Assert.Fail($"{happened.Kind}?");
                    break;
            }
        }
    }

    private async Task AssertHeld(ThreadModel model, Storm storm, long before)
    {
        var rows = await fixture.Rows<Row>("""
            select id, parent_id, content, deleted_at is not null as deleted, like_count, created_at
            from comments_comments
            where id > @before
            """, new { before });
        Assert.Equal(model.Ids.Order(), rows.Select(row => row.Id).Order());
        foreach (var row in rows)
        {
            var node = model[row.Id];
            Assert.Equal((node.ParentId, node.Content ?? "", node.Deleted, node.Likes), (row.ParentId, row.Content, row.Deleted, row.LikeCount));
            node.CreatedAt = row.CreatedAt;
        }

        var likes = (await fixture.Rows<(long User, long Id)>("select user_id, comment_id from comments_likes where comment_id > @before", new { before })).ToHashSet();
        foreach (var (like, liked) in storm.Likes.Where(pair => model.Contains(pair.Key.Id)))
            Assert.Equal(liked, likes.Contains(like));
        Assert.All(likes, like => Assert.True(storm.Likes[like]));
    }

    private sealed record Row
    {
        public long Id { get; init; }
        public long? ParentId { get; init; }
        public string Content { get; init; } = "";
        public bool Deleted { get; init; }
        public int LikeCount { get; init; }
        public DateTime CreatedAt { get; init; }
    }

    private async Task AssertShown(ThreadModel model)
    {
        using var client = fixture.Client();
        foreach (var root in model.Roots.ToList())
        {
            foreach (var sort in new[] { "old", "new", "top" })
                model.AssertShown(await client.Read($"/comments/{root.Id}?sort={sort}&limit=100000"), sort);
        }
    }
}
