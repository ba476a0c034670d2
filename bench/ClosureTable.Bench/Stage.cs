using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.LocalPostgres;
using Dapper;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ClosureTable.Bench;

/// <summary>
/// The environment of the scenarios: a private PostgreSQL with durable commits, a large and a small database, and the service on the
/// large one with and without its cache, and on the small one.
/// </summary>
internal sealed class Stage : IAsyncDisposable
{
    private const string SigningKey = "the bench's own key, which is long enough for HS256";
    private readonly Stack<IAsyncDisposable> held = new();

    private Stage(RunOptions options) => Options = options;

    public RunOptions Options { get; }

    public PublishedService Cached { get; private set; } = null!;

    public PublishedService Uncached { get; private set; } = null!;

    public PublishedService Small { get; private set; } = null!;

    public Store Store { get; private set; } = null!;

    public NpgsqlDataSource Source { get; private set; } = null!;

    public string ConnectionString { get; private set; } = "";

    public string Assembly { get; private set; } = "";

    public string Directory { get; private set; } = "";

    /// <summary>The parent of all PostgreSQL processes.</summary>
    public int Postmaster { get; private set; }

    public static async Task<Stage> SetUp(RunOptions options, CancellationToken ct)
    {
        var stage = new Stage(options);
        try
        {
            await stage.SetUp(ct);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    private async Task SetUp(CancellationToken ct)
    {
        var temporary = new TemporaryDirectory();
        held.Push(temporary);
        Directory = temporary.Path;
        Say("publishing the service");
        Assembly = await PublishedService.Publish(Options.Published ?? Path.Combine(Directory, "publish"), ct);

        Say("starting PostgreSQL");
        var server = await LocalServer.Start(new LocalPostgresOptions
        {
            DataDirectory = Options.Data ?? Path.Combine(Directory, "postgres"),
            Database = "bench",
            // The defaults are durable: fsync, synchronous_commit and full_page_writes are on.
            Settings = new Dictionary<string, string> { ["shared_buffers"] = "1GB", ["max_wal_size"] = "4GB", ["jit"] = "off" },
        }, NullLogger.Instance, ct);
        held.Push(server);
        ConnectionString = server.ConnectionString;
        Source = NpgsqlDataSource.Create(ConnectionString);
        held.Push(Source);
        Postmaster = Processes.Parent(await Ask<int>("select pg_backend_pid()"));

        var smallConnectionString = new NpgsqlConnectionStringBuilder(ConnectionString) { Database = "bench_small" }.ConnectionString;
        if (!await Ask<bool>("select exists (select from pg_database where datname = 'bench_small')"))
            await Ask<object>("create database bench_small");
        // The services create the schema.
        Cached = await Serve(ConnectionString, ct);
        Uncached = await Serve(ConnectionString, ct, ("Cache__MaxBytes", "0"));
        Small = await Serve(smallConnectionString, ct);

        Store = await Store.Fill(Source, Options.StoreSize, Say, ct);
        await using var small = NpgsqlDataSource.Create(smallConnectionString);
        await Store.FillSmall(small, ct);
    }

    /// <summary>Starts a service; the caller stops it, or the stage at the end.</summary>
    public async Task<PublishedService> Serve(string? connectionString, CancellationToken ct, params (string Name, string Value)[] settings)
    {
        var all = new Dictionary<string, string>
        {
            ["Authentication__SigningKey"] = SigningKey,
            ["Authentication__AccessTokenLifetime"] = "1.00:00:00",
            // On, as in production, but high, because all load comes from one address.
            ["RateLimits__Reads"] = "10000000",
            ["RateLimits__Writes"] = "10000000",
            ["RateLimits__SignIns"] = "10000000",
        };
        if (connectionString is not null)
            all["ConnectionStrings__Comments"] = connectionString;
        foreach (var (name, value) in settings)
            all[name] = value;
        var service = await PublishedService.Start(Assembly, all, ct);
        held.Push(service);
        return service;
    }

    /// <summary>A user with a password; its login as JSON.</summary>
    public async Task<string> Register(CancellationToken ct)
    {
        var (email, password) = ($"{Guid.NewGuid():n}@example.org", "correct horse battery staple");
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = Cached.Address };
        using var answer = await client.PostAsJsonAsync("/auth/register", new { email, password, name = "ann" }, ct);
        answer.EnsureSuccessStatusCode();
        return JsonSerializer.Serialize(new { email, password });
    }

    /// <summary>Users without passwords, and their access tokens.</summary>
    public async Task<IReadOnlyList<string>> Tokens(int count, CancellationToken ct)
    {
        await using var connection = await Source.OpenConnectionAsync(ct);
        var ids = await connection.QueryAsync<long>(new CommandDefinition("""
            insert into auth_users (email, name, password_hash)
            select gen_random_uuid() || '@example.org', 'user ' || number, ''
            from generate_series(1, @count) as number
            returning id
            """, new { count }, cancellationToken: ct));
        var settings = Microsoft.Extensions.Options.Options.Create(
            new AuthenticationOptions { SigningKey = SigningKey, AccessTokenLifetime = TimeSpan.FromDays(1) });
        var issuer = new TokenIssuer(new SigningKeys(settings, new ConfigurationBuilder().Build()), settings, TimeProvider.System);
        return [.. ids.Select(id => issuer.Issue(id, $"user {id}", Roles.User).Token)];
    }

    public async Task<T> Ask<T>(string sql, object? args = null)
    {
        await using var connection = await Source.OpenConnectionAsync();
        return (await connection.ExecuteScalarAsync<T>(sql, args, commandTimeout: 0))!;
    }

    public static void Say(string text) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {text}"));

    public async ValueTask DisposeAsync()
    {
        while (held.TryPop(out var last))
            await last.DisposeAsync();
    }

    private sealed class TemporaryDirectory : IAsyncDisposable
    {
        // If this runs as root, PostgreSQL runs as another user, who must be able to pass through.
        public string Path { get; } = System.IO.Directory.CreateDirectory(
            System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"closuretable-bench-{Guid.NewGuid():n}"[..32]),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute).FullName;

        public ValueTask DisposeAsync()
        {
            System.IO.Directory.Delete(Path, recursive: true);
            return default;
        }
    }
}

/// <summary>The root ids of the threads that scenarios read and write.</summary>
internal sealed record Store
{
    /// <summary>The comments of a thread for writes.</summary>
    public const int SmallThread = 20;

    public long Of50 { get; private init; }
    public long Of1000 { get; private init; }
    public long Of2000 { get; private init; }
    public long Of50000 { get; private init; }
    public long Of100000 { get; private init; }

    /// <summary>The first of <see cref="WritableCount"/> comments with consecutive ids, in threads of <see cref="SmallThread"/>.</summary>
    public long Writable { get; private init; }

    public int WritableCount { get; private init; }

    /// <summary>Threads of 50 for the mixed load.</summary>
    public IReadOnlyList<long> Mixed { get; private init; } = [];

    /// <summary>A root that no other scenario uses.</summary>
    public long Hot { get; private init; }

    /// <summary>A root for likes.</summary>
    public long Liked { get; private init; }

    public static async Task<Store> Fill(NpgsqlDataSource source, int background, Action<string> say, CancellationToken ct)
    {
        var load = new BulkLoad(source, new CommentOptions().MaxDepth);
        await using (var connection = await source.OpenConnectionAsync(ct))
        {
            var there = await connection.ExecuteScalarAsync<long>("select count(*) from comments_comments");
            if (there < background)
            {
                say(string.Create(CultureInfo.InvariantCulture, $"filling the store with {background - there:N0} comments"));
                await load.Run(new Api.Commands.Seeding.Load(Math.Max(1, background / 200), (int)(background - there), ThreadShape.Reddit, Topic: null, Seed: 1), progress: null, ct);
            }
        }

        say("making the threads of the scenarios");
        const int Threads = 500;
        var first = 0L;
        for (var thread = 0; thread < Threads; thread++)
        {
            var root = await Thread(SmallThread);
            first = thread == 0 ? root : first;
            // pgbench computes a random parent id.
            if (root != first + (thread * SmallThread))
                throw new InvalidOperationException("Another session uses the id sequence.");
        }

        var store = new Store
        {
            Of50 = await Thread(50),
            Of1000 = await Thread(1000),
            Of2000 = await Thread(2000),
            Of50000 = await Thread(50_000),
            Of100000 = await Thread(100_000),
            Writable = first,
            WritableCount = Threads * SmallThread,
            Mixed = await Mix(),
            Hot = await Thread(1),
            Liked = await Thread(1),
        };
        await using (var connection = await source.OpenConnectionAsync(ct))
        {
            await connection.ExecuteAsync("vacuum analyze", commandTimeout: 0);
            await connection.ExecuteAsync("checkpoint", commandTimeout: 0, commandType: System.Data.CommandType.Text);
        }

        return store;

        async Task<long> Thread(int comments) =>
            (await load.Run(new Api.Commands.Seeding.Load(1, comments, ThreadShape.Reddit, "/bench", Seed: 1), progress: null, ct))[0];

        async Task<long[]> Mix()
        {
            var roots = new long[200];
            for (var thread = 0; thread < roots.Length; thread++)
                roots[thread] = await Thread(50);
            return roots;
        }
    }

    /// <summary>10,000 comments, to compare the first page with that of a database a hundred times larger.</summary>
    public static async Task FillSmall(NpgsqlDataSource source, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        if (await connection.ExecuteScalarAsync<bool>("select exists (select from comments_comments)"))
            return;
        await new BulkLoad(source, new CommentOptions().MaxDepth)
            .Run(new Api.Commands.Seeding.Load(50, 10_000, ThreadShape.Reddit, Topic: null, Seed: 1), progress: null, ct);
        await connection.ExecuteAsync("vacuum analyze", commandTimeout: 0);
    }
}
