using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>Deletes expired idempotency keys.</summary>
internal sealed class ExpiredKeys(NpgsqlDataSource primary, ILogger<ExpiredKeys> logger) : Sweep(TimeSpan.FromMinutes(10), logger)
{
    private const int BatchSize = 1000;

    // Skips rows that another instance is deleting or a request is renewing.
    public override Task<int> Run(CancellationToken ct) => InBatches(() => primary.Once(connection => connection.ExecuteAsync("""
        delete from idempotency_keys
        where ctid = any(array(
          select ctid
          from idempotency_keys
          where created_at < now() - @Retention
          order by created_at
          limit @BatchSize
          for update skip locked
        ))
        """, new { Idempotency.Retention, BatchSize }, ct), ct));
}
