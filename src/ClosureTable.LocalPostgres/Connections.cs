using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace ClosureTable.LocalPostgres;

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
        catch (NpgsqlException e) when (e is not PostgresException { SqlState: not PostgresErrorCodes.CannotConnectNow })
        {
            return false; // nobody listens, or it starts, recovers or stops
        }
    }

    /// <summary>A loopback port that is free now; it may be taken a moment later.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
