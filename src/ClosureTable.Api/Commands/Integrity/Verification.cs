using System.Data;
using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Commands.Integrity;

internal readonly record struct Progress(long Comments, long Of);

/// <summary>
/// Checks every <see cref="Invariant"/> in one repeatable-read transaction, without locks that block writes, and in batches of threads
/// to limit memory.
/// </summary>
internal sealed class Verification(NpgsqlDataSource primary)
{
    /// <summary>Comments per batch, unless a single thread has more.</summary>
    private const int BatchSize = 20_000;

    /// <param name="rootId">Only this thread; null for all.</param>
    /// <returns>The number of comments checked.</returns>
    public async Task<long> Run(long? rootId, Action<Violation> found, Action<Progress>? progress, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        await ParentTruth.Create(connection, ct);
        var batches = rootId is { } only ? [new Batch(only, only, 0)] : await Batches(connection, ct);
        var total = batches.Sum(batch => batch.Comments);
        var (seen, passed) = (0L, 0L);
        foreach (var batch in batches)
        {
            seen += await ParentTruth.Fill(connection, batch.From, batch.To, ct);
            foreach (var invariant in Invariant.All)
                await Check(connection, invariant, batch, found, ct);
            passed += batch.Comments;
            progress?.Invoke(new Progress(passed, total));
        }

        if (rootId is null)
            await Check(connection, Invariant.NoOrphans, new Batch(0, 0, 0), found, ct);
        await transaction.CommitAsync(ct);
        return seen;
    }

    private static async Task Check(NpgsqlConnection connection, Invariant invariant, Batch batch, Action<Violation> found, CancellationToken ct)
    {
        foreach (var violation in await connection.QueryAsync<Violation>(
            $"{invariant.Check} order by 1, 2", new { batch.From, batch.To }, ct, timeout: 0))
            found(violation with { Invariant = invariant.Name });
    }

    /// <summary>Ranges of root ids that cover all comments, even those with a damaged <c>root_id</c>.</summary>
    private static async Task<List<Batch>> Batches(NpgsqlConnection connection, CancellationToken ct)
    {
        var batches = new List<Batch>();
        var (from, comments) = (long.MinValue, 0L);
        foreach (var thread in await connection.QueryAsync<(long RootId, long Comments)>("""
            select root_id, count(*)
            from comments_comments
            group by root_id
            order by root_id
            """, null, ct, timeout: 0))
        {
            comments += thread.Comments;
            if (comments < BatchSize)
                continue;
            batches.Add(new Batch(from, thread.RootId, comments));
            (from, comments) = (thread.RootId + 1, 0);
        }

        batches.Add(new Batch(from, long.MaxValue, comments));
        return batches;
    }

    private sealed record Batch(long From, long To, long Comments);
}
