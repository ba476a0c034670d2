using System.Text.Json;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;

namespace ClosureTable.Bench;

/// <summary>The loads. Recorded rates are of other programs, with the same load and data, on a machine of this kind.</summary>
internal static class Scenarios
{
    private const string Ours = "service";
    private const string WithoutCache = "service, cache off";
    private const string Database = "pgbench";

    public static async Task<IReadOnlyList<Scenario>> Of(Stage stage, CancellationToken ct)
    {
        var store = stage.Store;
        var tokens = await stage.Tokens(200, ct);
        var author = await stage.Ask<long>("select max(id) from auth_users");
        var scenarios = new List<Scenario>
        {
            Read("read-50", "a thread of 50, unchanged", store.Of50,
                new Target(Database, 0.9), new Target("remark42's cache", 1.3, Recorded: 8530)),
            Rendered("rendered-50", "the same, rendered", store.Of50, new Target(Database, 0.55)),
            Read("read-2000", "a thread of 2,000, unchanged", store.Of2000, new Target("remark42's cache", 1, Recorded: 1061)),
            Rendered("rendered-2000", "the same, rendered", store.Of2000, new Target("the article's program", 60, Recorded: 5.0)),
            new("first-page", "20 roots with 3 replies each", [
                Http(Ours, stage.Cached, [Request.Get("/comments?depth=1&children=3")], connections: 4),
                Http("service, small store", stage.Small, [Request.Get("/comments?depth=1&children=3")], connections: 4),
            ], [new Target("service, small store", 1 / 1.5, ByP99: true)]),
            new("bounded", "100 of a thread of 100,000", [
                Http(Ours, stage.Uncached, [Request.Get($"/comments/{store.Of100000}?depth=3&children=5&limit=100")], connections: 4),
                Http("100 of 1,000", stage.Uncached, [Request.Get($"/comments/{store.Of1000}?depth=3&children=5&limit=100")], connections: 4),
            ], [new Target("100 of 1,000", 1 / 1.5)]),
            new("create", "replies to 10,000 comments in 500 threads", [
                Http(Ours, stage.Cached, [.. Shuffled(store.WritableCount).Select(index => Reply(store.Writable + index, tokens, index))]),
                Pg(CreateScript($"\\set id random({store.Writable}, {store.Writable + store.WritableCount - 1})", author)),
            ], [new Target("the article's program", 15, Recorded: 205), new Target(Database, 0.8)]),
            new("create-hot", "replies to one comment", [
                Http(Ours, stage.Cached, [.. tokens.Select((_, index) => Reply(store.Hot, tokens, index))]),
                Pg(CreateScript($"\\set id {store.Hot}", author)),
            ], [new Target(Database, 0.8)]),
            new("like", "one comment, by 4,000 users, on and off", [
                Http(Ours, stage.Cached, Likes(store.Liked, await stage.Tokens(4000, ct))),
            ], [new Target("the target", 1, Recorded: 1000)]),
            new("search", "three words, the first page", [
                Http(Ours, stage.Cached, [Request.Get("/comments/search?q=closure+table+deadlock")], connections: 4),
            ], []),
            new("login", "an address and a password", [
                Http(Ours, stage.Cached, [new Request("POST", "/auth/login", Body: await stage.Register(ct))], connections: 4),
            ], []),
            new("mixed", "9 reads of threads of 50 to 1 reply in them", [
                Http(Ours, stage.Cached, Mixed()),
                Http(WithoutCache, stage.Uncached, Mixed()),
            ], []),
        };
        return [.. scenarios.Where(scenario => stage.Options.Wants(scenario.Name))];

        Scenario Read(string name, string what, long root, params Target[] targets) => new(name, what, [
            Http(Ours, stage.Cached, [Request.Get($"/comments/{root}")]),
            Http(WithoutCache, stage.Uncached, [Request.Get($"/comments/{root}")]),
            Pg(ReadScript(root)),
        ], targets);

        Scenario Rendered(string name, string what, long root, params Target[] targets) => new(name, what, [
            Http(Ours, stage.Uncached, [Request.Get($"/comments/{root}")]),
            Pg(ReadScript(root)),
        ], targets);

        Request[] Mixed() => [.. Shuffled(2000).Select(index => index % 10 == 0
            ? Reply(store.Mixed[index % store.Mixed.Count], tokens, index)
            : Request.Get($"/comments/{store.Mixed[index % store.Mixed.Count]}"))];

        Side Http(string name, PublishedService service, IReadOnlyList<Request> requests, int? connections = null) => new(name, async (duration, ct) =>
        {
            Driver driver = WrkDriver.Installed ? WrkDriver.Run : HttpDriver.Run;
            var serviceTime = Processes.CpuTime(service.ProcessId);
            var databaseTime = Processes.CpuTimeOfTree(stage.Postmaster);
            var (load, driverTime) = await driver(service.Address, requests, connections ?? stage.Options.Connections, duration, ct);
            return Sample(
                load, Processes.CpuTime(service.ProcessId) - serviceTime, Processes.CpuTimeOfTree(stage.Postmaster) - databaseTime, driverTime);
        });

        // As many connections as the service's pool.
        Side Pg(string script) => new(Database, async (duration, ct) =>
        {
            var databaseTime = Processes.CpuTimeOfTree(stage.Postmaster);
            var (load, driverTime) = await new Pgbench("pgbench", stage.ConnectionString)
                .Run(script, Math.Max(4, Environment.ProcessorCount * 2), duration, ct);
            return Sample(load, null, Processes.CpuTimeOfTree(stage.Postmaster) - databaseTime, driverTime);
        });
    }

    private static Sample Sample(Load load, TimeSpan? service, TimeSpan database, TimeSpan driver) => new(
        load.Requests / load.Took.TotalSeconds, load.P50Milliseconds, load.P99Milliseconds,
        (service?.TotalMicroseconds ?? double.NaN) / load.Requests, database.TotalMicroseconds / load.Requests, driver.TotalMicroseconds / load.Requests,
        load.Failed);

    private static string ReadScript(long root) => $"""
        \set id {root}
        \set limit 10000
        {Pgbench.Variables(ThreadRepository.WholeThread.Replace("@caller", "null", StringComparison.Ordinal))};
        """;

    /// <summary>The transaction of a reply, statement by statement, without the service's checks in between.</summary>
    /// <param name="pickParent">Sets <c>id</c>.</param>
    /// <param name="author">A user id.</param>
    private static string CreateScript(string pickParent, long author) => $"""
        {pickParent}
        \set author {author}
        begin;
        {Pgbench.Variables(ThreadLock.LockAndLookForReply).TrimEnd().TrimEnd(';')} \gset parent_
        \set depth :parent_depth + 1
        {Pgbench.Variables(Literals(CommentRepository.Reply),
            ("id", "parent_reply_id"), ("parentId", "parent_id"), ("rootId", "parent_root_id"), ("now", "parent_now"), ("activeAt", "parent_now"), ("caller", "author"))}
        commit;
        """;

    private static string Literals(string reply) => new[]
    {
        ("@content", $"'{Words}'"), ("@kind", $"'{EventKind.Created}'"), ("@data", "jsonb_build_object('parent_id', @parentId::bigint)"),
        ("@comments", "1"), ("@tombstones", "0"), ("@likes", "0"),
    }.Aggregate(reply, (sql, literal) => sql.Replace(literal.Item1, literal.Item2, StringComparison.Ordinal));

    private const string Words = "In my experience the closure table answers a subtree of any depth, but measure it yourself.";

    private static Request Reply(long parent, IReadOnlyList<string> tokens, int user) => new(
        "POST", "/comments", tokens[user % tokens.Count],
        JsonSerializer.Serialize(new { content = Words, parent_id = parent }));

    /// <summary>
    /// All users like the comment, then all take it back. In two halves, because the driver's two threads start half-way apart and would
    /// otherwise take back likes that do not exist yet.
    /// </summary>
    private static Request[] Likes(long comment, IReadOnlyList<string> tokens) =>
        [.. tokens.Chunk((tokens.Count + 1) / 2).SelectMany(half =>
            half.Select(token => new Request("PUT", $"/comments/{comment}/like", token)).Concat(
            half.Select(token => new Request("DELETE", $"/comments/{comment}/like", token))))];

    /// <summary>The numbers below <paramref name="count"/> in a reproducible random order.</summary>
    private static int[] Shuffled(int count)
    {
        var numbers = Enumerable.Range(0, count).ToArray();
        new Random(1).Shuffle(numbers);
        return numbers;
    }
}
