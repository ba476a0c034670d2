using Npgsql;

namespace ClosureTable.LocalPostgres;

/// <summary>The PostgreSQL of a data directory: a process of this machine or a container. Its callers hold the directory's lock.</summary>
internal interface IPostgres
{
    /// <summary>The role that owns everything; the service's and the superuser's in one, since the server is private.</summary>
    const string User = "closureuser";

    /// <summary>How to connect to the server if it runs, once it answers; else <see langword="null"/>.</summary>
    Task<NpgsqlConnectionStringBuilder?> FindRunning(CancellationToken ct);

    /// <summary>Starts the server, on new data if there is none, and answers once it takes connections.</summary>
    Task<NpgsqlConnectionStringBuilder> Start(CancellationToken ct);

    /// <summary>Stops the server, breaking what connections there are. Nothing happens if it does not run.</summary>
    /// <exception cref="PostgresStopException">It still runs.</exception>
    Task Stop();
}
