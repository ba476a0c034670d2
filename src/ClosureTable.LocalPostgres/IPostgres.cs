using Npgsql;

namespace ClosureTable.LocalPostgres;

/// <summary>The PostgreSQL of a data directory: a local process or a container. Callers hold the directory's lock.</summary>
internal interface IPostgres
{
    /// <summary>The superuser, which the service uses too, since the server is private.</summary>
    const string User = "closureuser";

    /// <summary>How to connect to the server if it runs, once it accepts connections; else <see langword="null"/>.</summary>
    Task<NpgsqlConnectionStringBuilder?> FindRunning(CancellationToken ct);

    /// <summary>Starts the server, on new data if there is none, and returns once it accepts connections.</summary>
    Task<NpgsqlConnectionStringBuilder> Start(CancellationToken ct);

    /// <summary>Stops the server if it runs, closing its connections.</summary>
    /// <exception cref="PostgresStopException">It still runs.</exception>
    Task Stop();
}
