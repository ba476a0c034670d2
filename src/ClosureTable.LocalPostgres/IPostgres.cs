using Npgsql;

namespace ClosureTable.LocalPostgres;

/// <summary>The PostgreSQL of a data directory: a local process or a container. Callers hold the directory's lock.</summary>
internal interface IPostgres
{
    /// <summary>The role that owns everything; both the service's and the superuser's, since the server is private.</summary>
    const string User = "closureuser";

    /// <summary>How to connect, once the server accepts connections; <see langword="null"/> if it does not run.</summary>
    Task<NpgsqlConnectionStringBuilder?> FindRunning(CancellationToken ct);

    /// <summary>Starts the server, after creating its data if there is none, and returns once it accepts connections.</summary>
    Task<NpgsqlConnectionStringBuilder> Start(CancellationToken ct);

    /// <summary>Stops the server and terminates its connections. Does nothing if it does not run.</summary>
    /// <exception cref="PostgresStopException">It is still running.</exception>
    Task Stop();
}
