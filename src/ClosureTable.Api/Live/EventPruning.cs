using ClosureTable.Api.Data;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>
/// Deletes events older than the retention, in batches so that locks are short. Every
/// instance tries; an advisory lock lets one of them do it at a time.
/// </summary>
internal sealed class EventPruning(NpgsqlDataSource primary, IOptions<LiveOptions> options, ILogger<EventPruning> logger)
    : Sweep(TimeSpan.FromMinutes(10), logger)
{
    private const int BatchSize = 5000;

    // Distinct from the other advisory locks of this database.
    internal const long LockKey = 0x_45_56_45_4E_54_53;

    public override Task<int> Run(CancellationToken ct) => InBatches(() => PruneBatch(ct));

    /// <summary>
    /// Prunes by transaction number, which is indexed. In each thread everything before a pruned event goes too, even if its transaction
    /// began earlier, so that a thread's log has no gaps.
    /// </summary>
    private async Task<int> PruneBatch(CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (!await connection.ExecuteScalarAsync<bool>(
            "select pg_try_advisory_xact_lock(@LockKey)", new { LockKey }, ct))
            return 0;
        var pruned = await connection.ExecuteScalarAsync<int>("""
            with oldest as (
              select root_id, version, created_at
              from comments_events
              order by xid
              limit @BatchSize
            ),
            expired as (
              select root_id, max(version) as version
              from oldest
              where created_at < now() - @Retention
              group by root_id
            ),
            pruned as (
              -- By ctid: a join with the log would read all of it.
              delete from comments_events
              where ctid = any(array(
                select before.ctid
                from expired
                cross join lateral (
                  select e.ctid
                  from comments_events e
                  where e.root_id = expired.root_id and e.version <= expired.version
                  order by e.version
                  limit @BatchSize
                ) before
              ))
              returning xid
            ),
            remembered as (
              update comments_events_pruned
              set through = greatest(through, (select xid from pruned order by xid desc limit 1))
            )
            select count(*)::int from pruned
            """, new { BatchSize, options.Value.Retention }, ct);
        await transaction.CommitAsync(CancellationToken.None);
        return pruned;
    }
}
