using System.Data;
using Npgsql;

namespace ClosureTable.Api.Hosting;

internal static class Snapshot
{
    /// <summary>Runs reads that must agree with each other in one repeatable-read transaction: one snapshot for all.</summary>
    public static async Task<T> ReadSnapshot<T>(this NpgsqlDataSource source, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var result = await read(connection);
        await transaction.CommitAsync(CancellationToken.None);
        return result;
    }
}
