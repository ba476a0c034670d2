using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.LocalPostgres;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.LocalPostgres;
using Dapper;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>A PostgreSQL of a class's own, to be broken: from this machine's binaries, on a directory that the tests can reach into.</summary>
public sealed class OwnPostgres(ServiceFixture shared) : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private readonly List<LocalServer> uses = [];

    /// <summary>Settings of the server, read when it starts.</summary>
    internal Dictionary<string, string> Settings { get; } = [];

    internal string ConnectionString { get; private set; } = "";

    internal string Data => Path.Combine(directory.Path, "data");

    public async ValueTask InitializeAsync() => await Start();

    /// <summary>Starts the server, or starts it again.</summary>
    internal async Task Start()
    {
        // Durable: the tests' usual server keeps commits in its own memory for a while, which is what must not be lost here.
        uses.Add(await directory.Start(directory.Options with { Durable = true, Settings = Settings }));
        ConnectionString = uses[^1].ConnectionString;
    }

    /// <summary>
    /// Ends every process of the server at one moment, as a power failure would; what the kernel was given stays. The
    /// postmaster is stopped first, so that it cannot begin to recover while its children still go.
    /// </summary>
    internal async Task Kill() => await CliWrap.Cli.Wrap("/bin/sh").WithArguments(
        ["-c", "kill -STOP $0 && kill -KILL $(cat /proc/$0/task/$0/children) $0", $"{directory.Postmaster}"]).ExecuteAsync();

    /// <summary>Stops the process that writes what was committed asynchronously, a page or a moment later.</summary>
    internal async Task PauseLogWriter() => await CliWrap.Cli.Wrap("/bin/sh").WithArguments(
        ["-c", "kill -STOP $0", await Query<string>("select pid::text from pg_stat_activity where backend_type = 'walwriter'")]).ExecuteAsync();

    /// <summary>A standby that streams from this server.</summary>
    internal async Task<OwnPostgres> Standby()
    {
        var ct = TestContext.Current.CancellationToken;
        var standby = new OwnPostgres(shared);
        var server = new NpgsqlConnectionStringBuilder(ConnectionString);
        var binaries = await Query<string>("select setting from pg_config where name = 'BINDIR'");
        Directory.CreateDirectory(standby.directory.Path);
        await CliWrap.Cli.Wrap(Path.Combine(binaries, "pg_basebackup"))
            .WithArguments(["-h", server.Host!, "-p", $"{server.Port}", "-U", server.Username!, "-D", standby.Data, "--write-recovery-conf", "--checkpoint=fast"])
            .ExecuteAsync(ct);
        // Root's server runs as another user.
        await CliWrap.Cli.Wrap("chown").WithArguments(["-R", $"--reference={Data}", standby.Data]).ExecuteAsync(ct);
        await standby.Start();
        return standby;
    }

    /// <summary>An instance of the service on this server.</summary>
    internal WebApplicationFactory<Program> Service(Action<IWebHostBuilder>? configure = null)
    {
        var instance = shared.Instance(host =>
        {
            host.UseSetting("ConnectionStrings:Comments", ConnectionString);
            configure?.Invoke(host);
        });
        instance.StartServer();
        return instance;
    }

    /// <summary>A new account on this server, signed in at an instance.</summary>
    internal async Task<HttpClient> SignedIn(WebApplicationFactory<Program> service) => service.CreateClient().With((await Users(1))[0].Token);

    /// <summary>New accounts on this server, with access tokens that every instance accepts.</summary>
    internal async Task<List<Worker>> Users(int count)
    {
        var issuer = shared.Services.GetRequiredService<TokenIssuer>();
        var users = new List<Worker>();
        while (users.Count < count)
        {
            var id = await Query<long>(
                "insert into auth_users (email, name, role, password_hash) values (gen_random_uuid() || '@example.org', 'ann', 'user', '') returning id");
            users.Add(new Worker(id, issuer.Issue(id, "ann", Roles.User).Token));
        }

        return users;
    }

    /// <summary>A session beside the service, outside any pool.</summary>
    internal async Task<NpgsqlConnection> Session()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false, ApplicationName = "test" }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    internal async Task<T> Query<T>(string sql, object? args = null)
    {
        await using var session = await Session();
        return (await session.ExecuteScalarAsync<T>(sql, args))!;
    }

    internal async Task Execute(string sql, object? args = null)
    {
        await using var session = await Session();
        await session.ExecuteAsync(sql, args);
    }

    /// <summary>Ends the sessions of all others.</summary>
    internal Task EndSessions() => Execute("""
        select pg_terminate_backend(pid, 10000)
        from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> 'test'
        """);

    public async ValueTask DisposeAsync()
    {
        foreach (var use in uses)
            await use.DisposeAsync();
        directory.Dispose();
    }
}
