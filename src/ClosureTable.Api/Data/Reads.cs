using System.Data;
using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>Reads are repeated once where that can help: a restart of the server leaves a pool of dead connections, and the first found dead clears it.</summary>
internal static class Reads
{
    /// <summary>Runs <paramref name="read"/> on a connection, and once more on another; it must keep nothing of an attempt that failed.</summary>
    public static Task<T> Read<T>(this NpgsqlDataSource primary, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct) =>
        Twice(async () =>
        {
            await using var connection = await primary.OpenConnectionAsync(ct);
            return await read(connection);
        });

    /// <inheritdoc cref="Read{T}(NpgsqlDataSource, Func{NpgsqlConnection, Task{T}}, CancellationToken)"/>
    public static Task<T> Read<T>(this ReplicaReads replica, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct) =>
        Twice(async () =>
        {
            await using var connection = await replica.Open(ct);
            return await read(connection);
        });

    /// <summary>Runs a statement that writes, which must not be repeated.</summary>
    public static async Task<T> Once<T>(this NpgsqlDataSource primary, Func<NpgsqlConnection, Task<T>> statement, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        return await statement(connection);
    }

    /// <summary>Runs reads that must agree with each other in one repeatable-read transaction: one snapshot for all.</summary>
    public static Task<T> ReadSnapshot<T>(this ReplicaReads replica, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct) =>
        replica.Read(connection => connection.Snapshot(read, ct), ct);

    /// <summary>The same for a read that gives its rows away as they come, which cannot begin again.</summary>
    public static Task<T> ReadSnapshotOnce<T>(this NpgsqlDataSource primary, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct) =>
        primary.Once(connection => connection.Snapshot(read, ct), ct);

    private static async Task<T> Snapshot<T>(this NpgsqlConnection connection, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var result = await read(connection);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }

    private static async Task<T> Twice<T>(Func<Task<T>> attempt)
    {
        try
        {
            return await attempt();
        }
        catch (Exception exception) when (DatabaseFailures.IsWorthRepeating(exception))
        {
            return await attempt();
        }
    }
}
