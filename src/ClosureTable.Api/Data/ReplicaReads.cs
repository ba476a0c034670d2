using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Data;

/// <summary>
/// Sends reads to a standby if <c>ConnectionStrings:Comments</c> has several hosts. If the request has a position
/// (<see cref="ReadYourWrites"/>) that the standby does not reach in time, the primary is used.
/// </summary>
internal sealed class ReplicaReads(Database database, ReadYourWrites seen)
{
    /// <summary>How long to wait for a standby to catch up, which usually takes milliseconds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    public async Task<NpgsqlConnection> Open(CancellationToken ct)
    {
        if (database.Replicas is not { } standbys)
            return await database.Primary.OpenConnectionAsync(ct);
        var connection = await standbys.OpenConnectionAsync(ct);
        try
        {
            if (seen.Position is not { } position || await Reaches(connection, position, ct))
                return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return await database.Primary.OpenConnectionAsync(ct);
    }

    private static async Task<bool> Reaches(NpgsqlConnection connection, NpgsqlLogSequenceNumber position, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand("select not pg_is_in_recovery() or pg_last_wal_replay_lsn() >= $1", connection)
        {
            Parameters = { new() { Value = position, NpgsqlDbType = NpgsqlDbType.PgLsn } },
        };
        for (var waited = TimeSpan.Zero; ; waited += PollInterval)
        {
            if (await command.ExecuteScalarAsync(ct) is true)
                return true;
            if (waited >= Patience)
                return false;
            await Task.Delay(PollInterval, ct);
        }
    }
}
