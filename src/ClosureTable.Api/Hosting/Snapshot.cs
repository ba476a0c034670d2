using System.Data;
using Npgsql;

namespace ClosureTable.Api.Hosting;

internal static class Snapshot
{
    /// <summary>Runs reads that must agree with each other in one repeatable-read transaction: one snapshot for all.</summary>
    public static async Task<T> ReadSnapshot<T>(this NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        return await connection.ReadSnapshot(read, ct);
    }

    /// <inheritdoc cref="ReadSnapshot{T}(NpgsqlDataSource, Func{NpgsqlConnection, Task{T}}, CancellationToken)"/>
    public static async Task<T> ReadSnapshot<T>(this ReadSource source, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct)
    {
        await using var connection = await source.Open(ct);
        return await connection.ReadSnapshot(read, ct);
    }

    private static async Task<T> ReadSnapshot<T>(this NpgsqlConnection connection, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct)
    {
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var result = await read(connection);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }
}
