using Microsoft.Extensions.Logging;
using Npgsql;

namespace ClosureTable.LocalPostgres;

/// <summary>
/// A process's use of the private PostgreSQL of a data directory. The first process starts the server, later ones adopt it, and the
/// last one stops it. If a process is killed, the server keeps running and the next process adopts it.
/// </summary>
public sealed class LocalServer : IAsyncDisposable
{
    private readonly ServerDirectory _directory;
    private readonly IPostgres _postgres;
    private readonly ILogger _logger;
    private IDisposable? _use;

    private LocalServer(ServerDirectory directory, IPostgres postgres, ILogger logger, IDisposable use, string connectionString, bool started)
    {
        (_directory, _postgres, _logger, _use) = (directory, postgres, logger, use);
        (ConnectionString, Started) = (connectionString, started);
    }

    /// <summary>Connects as the server's superuser to <see cref="LocalPostgresOptions.Database"/>.</summary>
    public string ConnectionString { get; }

    /// <summary>Whether this call started the server; <see langword="false"/> if it was running.</summary>
    public bool Started { get; }

    /// <summary>Starts the server of the data directory, or adopts it if it runs, and creates the database if it is missing.</summary>
    /// <exception cref="PostgresNotFoundException">There is neither PostgreSQL nor a Docker engine on this machine.</exception>
    /// <exception cref="PostgresStartException">PostgreSQL does not start.</exception>
    public static async Task<LocalServer> Start(LocalPostgresOptions options, ILogger logger, CancellationToken ct)
    {
        var directory = ServerDirectory.Open(options.EffectiveDataDirectory);

        // Finding, starting and stopping a server all happen under this lock, so that processes do not interfere.
        using var turn = await directory.WaitForTurn(ct);
        var postgres = await Choose(directory, options, logger, ct);
        var use = directory.Join();
        try
        {
            var running = await postgres.FindRunning(ct);
            var server = running ?? await postgres.Start(ct);
            var connectionString = await CreateDatabase(server, options.Database, ct);
            logger.LogInformation("{Verb} the private PostgreSQL in {Directory}", running is null ? "Started" : "Using", directory.Root);
            return new LocalServer(directory, postgres, logger, use, connectionString, started: running is null);
        }
        catch
        {
            await Leave(directory, postgres, logger, use);
            throw;
        }
    }

    /// <summary>Stops the server unless another live process uses it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _use, null) is not { } use) return;
        using var turn = await _directory.WaitForTurn(CancellationToken.None);
        await Leave(_directory, _postgres, _logger, use);
    }

    /// <summary>A directory keeps what created it. For a new one the machine's PostgreSQL is preferred to a container.</summary>
    private static async Task<IPostgres> Choose(ServerDirectory directory, LocalPostgresOptions options, ILogger logger, CancellationToken ct)
    {
        var container = new PostgresContainer(directory, options, logger);
        if (container.HasData) return container;
        try
        {
            var binaries = await PostgresBinaries.Find(options, directory.Version, ct);
            return new PostgresProcess(directory, binaries, await ServerAccount.For(directory, ct), options, logger);
        }
        catch (PostgresNotFoundException) when (directory.Version is null && options.BinDirectory is null)
        {
            if (await container.EngineResponds(ct)) return container;
            throw;
        }
    }

    private static async Task Leave(ServerDirectory directory, IPostgres postgres, ILogger logger, IDisposable use)
    {
        use.Dispose();
        if (directory.HasUsers) return;
        try
        {
            await postgres.Stop();
            logger.LogInformation("Stopped the private PostgreSQL in {Directory}", directory.Root);
        }
        catch (PostgresStopException e)
        {
            // The process is stopping, perhaps after another error. The next one to use the directory adopts this server.
            logger.LogWarning(e, "The private PostgreSQL in {Directory} was left running", directory.Root);
        }
    }

    private static async Task<string> CreateDatabase(NpgsqlConnectionStringBuilder server, string database, CancellationToken ct)
    {
        await using var connection = new NpgsqlConnection(server.ForMaintenance());
        await connection.OpenAsync(ct);
        await using var find = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection) { Parameters = { new() { Value = database } } };
        if (await find.ExecuteScalarAsync(ct) is null)
        {
            await using var create = new NpgsqlCommand($"create database \"{database.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
            await create.ExecuteNonQueryAsync(ct);
        }
        return new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = database }.ConnectionString;
    }
}
