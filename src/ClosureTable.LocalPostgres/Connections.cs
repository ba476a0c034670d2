using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace ClosureTable.LocalPostgres;

internal static class Connections
{
    /// <summary>How to connect to a private server.</summary>
    public static NpgsqlConnectionStringBuilder Server(string host, int port, string? password) =>
        new() { Host = host, Port = port, Username = IPostgres.User, Password = password, SslMode = SslMode.Disable };

    /// <summary>A connection string for one connection to the database that every server has.</summary>
    public static string ForMaintenance(this NpgsqlConnectionStringBuilder server) =>
        new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = "postgres", Pooling = false, Timeout = 10 }.ConnectionString;

    /// <summary>Why the server refuses connections now; <see langword="null"/> if it accepts them.</summary>
    public static async Task<NpgsqlException?> Refusal(this NpgsqlConnectionStringBuilder server, CancellationToken ct)
    {
        try
        {
            await using var connection = new NpgsqlConnection(server.ForMaintenance());
            await connection.OpenAsync(ct);
            return null;
        }
        catch (NpgsqlException refusal)
        {
            return refusal;
        }
    }

    /// <summary>A loopback port that is free at this moment.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
