using System.Net.Sockets;
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

internal static class Connections
{
    /// <summary>A connection string for one connection to the database that every server has.</summary>
    public static string ForMaintenance(this NpgsqlConnectionStringBuilder server) =>
        new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = "postgres", Pooling = false, Timeout = 10 }.ConnectionString;

    /// <summary>Whether the server takes connections now. Errors that waiting does not mend, such as a wrong password, are thrown.</summary>
    public static async Task<bool> Answers(this NpgsqlConnectionStringBuilder server, CancellationToken ct)
    {
        try
        {
            await using var connection = new NpgsqlConnection(server.ForMaintenance());
            await connection.OpenAsync(ct);
            return true;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.CannotConnectNow) // it starts, recovers or stops
        {
            return false;
        }
        catch (NpgsqlException e) when (e is not PostgresException)
        {
            return false;
        }
    }

    /// <summary>A loopback port that is free now; it may be taken a moment later.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
