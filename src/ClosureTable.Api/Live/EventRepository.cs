using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Live;

/// <summary>The events since a snapshot, and the snapshot of the read itself.</summary>
internal sealed record EventBatch(IReadOnlyList<ThreadEvent> Events, string Snapshot);

/// <summary>
/// Reads <c>comments_events</c> between two snapshots: what the first did not see and the second does. Later commits cannot add to that
/// range.
/// </summary>
internal sealed class EventRepository(NpgsqlDataSource primary)
{
    /// <summary>
    /// The events that a snapshot did not see: two index ranges, for transactions that began later and for those in progress.
    /// <c>not pg_visible_in_snapshot(…)</c> would scan from the oldest running transaction on. The order and limit
    /// keep the planner, which cannot estimate the number of rows, from scanning the whole log.
    /// </summary>
    /// <param name="begun">The first range: rows from <c>pg_snapshot_xmax</c> on.</param>
    /// <param name="order">The order of its index.</param>
    /// <param name="inProgress">The second range: rows of <c>running.xid</c>. (With a list of them, PostgreSQL 15 scans a whole topic.)</param>
    private static string NotSeen(string begun, string order, string inProgress) => $"""
        (
          select e.root_id, e.version, e.kind, e.comment_id, e.topic, e.data::text as data, e.created_at
          from comments_events e
          where {begun}
          order by {order}
          limit @limit
        )
        union all
        (
          select e.*
          from pg_snapshot_xip(@since::pg_snapshot) running (xid)
          cross join lateral (
            select e.root_id, e.version, e.kind, e.comment_id, e.topic, e.data::text as data, e.created_at
            from comments_events e
            where {inProgress}
            order by {order}
            limit @limit
          ) e
        )
        """;

    /// <summary>
    /// Ordered by time, but within a thread by version even if clocks differ. <see cref="TopicPosition"/> relies on the order being the
    /// same in every read.
    /// </summary>
    private const string At = "max(e.created_at) over (partition by e.root_id, e.topic order by e.version)";

    /// <summary>All events since a snapshot; if there are more than <paramref name="limit"/>, an arbitrary selection. Returns the snapshot of the same statement.</summary>
    /// <param name="since">Null to only get a first snapshot.</param>
    /// <param name="notify">Notifies the other instances in the same round trip.</param>
    public static async Task<EventBatch> Tail(NpgsqlConnection connection, string? since, bool notify, int limit, CancellationToken ct)
    {
        var sql = since is null ? "select pg_current_snapshot()::text" : $"""
            select now_at.snapshot, tail.root_id, tail.version, tail.kind, tail.comment_id, tail.topic, tail.data
            from (select pg_current_snapshot()::text as snapshot) now_at
            left join (
              select e.root_id, e.version, e.kind, e.comment_id, e.topic, e.data, {At} as at
              -- Restored rows may have transaction numbers that this server has not reached yet.
              from ({NotSeen(
                begun: "e.xid >= pg_snapshot_xmax(@since::pg_snapshot) and e.xid < pg_snapshot_xmax(pg_current_snapshot())", order: "e.xid",
                inProgress: "e.xid >= running.xid and e.xid <= running.xid")}) e
            ) tail on true
            order by tail.at, tail.root_id, tail.version
            """;
        await using var command = new NpgsqlCommand(notify ? $"{Notify};\n{sql}" : sql, connection);
        if (since is not null)
        {
            command.Parameters.Add(new("since", NpgsqlDbType.Text) { Value = since });
            command.Parameters.Add(new("limit", limit));
        }

        await using var reader = await command.ExecuteReaderAsync(ct);
        var events = new List<ThreadEvent>();
        var snapshot = "";
        while (await reader.ReadAsync(ct))
        {
            snapshot = reader.GetString(0);
            if (since is not null && !reader.IsDBNull(1))
            {
                events.Add(new ThreadEvent(
                    reader.GetInt64(1), reader.GetInt64(2), reader.GetString(3), reader.GetInt64(4), Text(5), Text(6)));
            }
        }

        return new EventBatch(events, snapshot);

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    /// <summary>
    /// Wakes the other instances, without a payload. In a separate transaction: within a write, it would serialize all commits of the
    /// database.
    /// </summary>
    public const string Notify = $"notify {Channel}";

    public const string Channel = "closuretable_events";

    /// <summary>The events of a thread after a version, as far as a snapshot saw them; null for all.</summary>
    public Task<List<ThreadEvent>> OfThread(long rootId, long after, string? until, int limit, CancellationToken ct) =>
        primary.Read(async connection => (await connection.QueryAsync<ThreadEvent>("""
            select root_id, version, kind, comment_id, topic, data::text as data
            from comments_events
            where root_id = @rootId and version > @after
              and (@until::text is null or pg_visible_in_snapshot(xid, @until::pg_snapshot))
            order by version
            limit @limit
            """, new { rootId, after, until, limit }, ct)).AsList(), ct);

    private const string Until = "pg_visible_in_snapshot(e.xid, @until::pg_snapshot)";

    /// <summary>
    /// The events of a topic between two snapshots, in order; if there are more than <paramref name="limit"/>, an arbitrary selection.
    /// </summary>
    public Task<List<ThreadEvent>> OfTopic(string topic, string since, string until, int limit, CancellationToken ct) =>
        primary.Read(async connection => (await connection.QueryAsync<ThreadEvent>($"""
            select root_id, version, kind, comment_id, topic, data
            from (
              select e.root_id, e.version, e.kind, e.comment_id, e.topic, e.data, {At} as at
              from ({NotSeen(
                // One topic, written as a range: with an equality, the planner orders by xid alone and uses the other index.
                begun: $"(e.topic, e.xid) >= (@topic, pg_snapshot_xmax(@since::pg_snapshot)) and e.topic <= @topic and {Until}", order: "e.topic, e.xid",
                inProgress: $"(e.topic, e.xid) >= (@topic, running.xid) and (e.topic, e.xid) <= (@topic, running.xid) and e.topic <= @topic and {Until}")}) e
            ) e
            order by at, root_id, version
            """, new { topic, since, until, limit }, ct)).AsList(), ct);

    /// <summary>Whether the client must reload: events that it may not have seen were pruned, or its snapshot is later than the current one, after a restore.</summary>
    /// <param name="since">The snapshot up to which the client saw everything.</param>
    /// <param name="last">The latest snapshot in its position.</param>
    public Task<bool> Forgot(string since, string last, CancellationToken ct) =>
        primary.Read(connection => connection.ExecuteScalarAsync<bool>("""
            select through >= pg_snapshot_xmin(@since::pg_snapshot)
              or pg_snapshot_xmax(@last::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot())
            from comments_events_pruned
            """, new { since, last }, ct), ct);

    /// <summary>The version that deleted the comment from the thread, if that is after the position and not pruned.</summary>
    public Task<long?> Deleted(long commentId, ThreadPosition position, CancellationToken ct) =>
        primary.Read<long?>(connection => connection.ExecuteScalarAsync<long?>("""
            select min(version)
            from comments_events
            where root_id = @RootId and version > @Version and kind = 'deleted' and data -> 'removed' @> to_jsonb(@commentId)
            """, new { position.RootId, position.Version, commentId }, ct), ct);

    /// <summary>The comments that are still in the thread.</summary>
    public static async Task<HashSet<long>> StillIn(NpgsqlConnection connection, long rootId, long[] ids, CancellationToken ct) =>
        (await connection.QueryAsync<long>(
            "select id from comments_comments where id = any(@ids) and root_id = @rootId", new { ids, rootId }, ct)).ToHashSet();

    /// <summary>Renders events with one query for all their comments.</summary>
    public Task<Dictionary<(long RootId, long Version), ReadOnlyMemory<byte>>> Render(IReadOnlyList<ThreadEvent> events, CancellationToken ct) =>
        primary.Read(connection => Render(connection, events, ct), ct);

    public static async Task<Dictionary<(long RootId, long Version), ReadOnlyMemory<byte>>> Render(
        NpgsqlConnection connection, IReadOnlyList<ThreadEvent> events, CancellationToken ct)
    {
        using var rows = await connection.ReadRows($"""
            select {CommentRows.Columns}
            from comments_comments c
            join comments_threads thread on thread.root_id = c.root_id
            where c.id = any(@ids)
            """,
            [
                new("ids", events.Select(happened => happened.CommentId).Distinct().ToArray()),
                new("caller", NpgsqlDbType.Bigint) { Value = DBNull.Value },
            ], ct);
        var indexes = Enumerable.Range(0, rows.Count).ToDictionary(index => rows[index].Id);
        return events.ToDictionary(
            happened => happened.Key,
            happened => EventFrame.Render(happened, rows, indexes.TryGetValue(happened.CommentId, out var index) ? index : null));
    }
}
