using ClosureTable.Api.Data;
using ClosureTable.Tests.LocalPostgres;
using Npgsql;
using Testcontainers.PostgreSql;

namespace ClosureTable.Tests.Fixture;

/// <summary>
/// A database of this run on a real PostgreSQL: the server that <c>TEST_DATABASE</c> (a connection string) names, else one
/// in a container where a Docker engine answers, else a private one from this machine's binaries.
/// <c>TEST_POSTGRES</c> (<c>private</c> or <c>container</c>) insists on one of the last two.
/// </summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private readonly IAsyncDisposable? server;
    private readonly TemporaryDirectory? directory;
    private readonly string serverConnectionString;
    private readonly NpgsqlDataSource owner;
    private readonly string name = $"closuretable_test_{Guid.NewGuid():n}";

    private TestDatabase(string serverConnectionString, IAsyncDisposable? server = null, TemporaryDirectory? directory = null)
    {
        this.server = server;
        this.directory = directory;
        this.serverConnectionString = serverConnectionString;
        owner = NpgsqlDataSource.Create(serverConnectionString);
        ConnectionString = new NpgsqlConnectionStringBuilder(serverConnectionString) { Database = name }.ConnectionString;
    }

    public string ConnectionString { get; }

    /// <summary>The same database without the pooler that <c>TEST_DATABASE</c> leads to; null where <c>TEST_DIRECT</c> names no server behind it.</summary>
    public static string? PastThePooler(string? connectionString) =>
        Environment.GetEnvironmentVariable("TEST_DIRECT") is { Length: > 0 } direct
            ? new NpgsqlConnectionStringBuilder(direct) { Database = new NpgsqlConnectionStringBuilder(connectionString).Database }.ConnectionString
            : null;

    public static async Task<TestDatabase> Create() => await (await FindServer()).Made();

    /// <summary>An empty database more on the same server, for a test that changes what all others need.</summary>
    public Task<TestDatabase> Another() => new TestDatabase(serverConnectionString).Made();

    private async Task<TestDatabase> Made()
    {
        await using var create = owner.CreateCommand($"create database {name}");
        await create.ExecuteNonQueryAsync();
        return this;
    }

    private static async Task<TestDatabase> FindServer()
    {
        if (Environment.GetEnvironmentVariable("TEST_DATABASE") is { Length: > 0 } configured)
            return new TestDatabase(configured);
        switch (Environment.GetEnvironmentVariable("TEST_POSTGRES"))
        {
            case "private":
                return await StartPrivateServer();
            case "container":
                return await StartContainer();
            case null or "":
                try
                {
                    return await StartContainer();
                }
                catch (Exception noEngine) when (noEngine is not OperationCanceledException)
                {
                    return await StartPrivateServer();
                }

            case var other:
                throw new InvalidOperationException($"TEST_POSTGRES is '{other}'; it must be private or container.");
        }
    }

    private static async Task<TestDatabase> StartContainer()
    {
        var image = Environment.GetEnvironmentVariable("TEST_POSTGRES_IMAGE") is { Length: > 0 } named ? named : "postgres:15-alpine";
        var container = new PostgreSqlBuilder(image).Build();
        await container.StartAsync();
        return new TestDatabase(container.GetConnectionString(), container);
    }

    private static async Task<TestDatabase> StartPrivateServer()
    {
        var directory = new TemporaryDirectory();
        var server = await directory.Start();
        return new TestDatabase(server.ConnectionString, server, directory);
    }

    public async ValueTask DisposeAsync()
    {
        await using (var drop = owner.CreateCommand($"drop database {name} with (force)"))
            await drop.ExecuteNonQueryAsync();
        await owner.DisposeAsync();
        if (server is not null)
            await server.DisposeAsync();
        directory?.Dispose();
    }
}
