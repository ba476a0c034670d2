using System.Data;
using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>Reads are retried once: a restart of the server leaves broken connections in the pool, and the first error clears it.</summary>
internal static class Reads
{
    /// <summary>Runs <paramref name="read"/>, possibly twice, so it must have no side effects.</summary>
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

    /// <summary>Runs a write, which must not be repeated.</summary>
    public static async Task<T> Once<T>(this NpgsqlDataSource primary, Func<NpgsqlConnection, Task<T>> statement, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        return await statement(connection);
    }

    /// <summary>Runs reads in one repeatable-read transaction, so that all of them see the same snapshot.</summary>
    public static Task<T> ReadSnapshot<T>(this ReplicaReads replica, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct) =>
        replica.Read(connection => connection.Snapshot(read, ct), ct);

    /// <summary>The same for a read that streams its rows and therefore cannot be retried.</summary>
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
