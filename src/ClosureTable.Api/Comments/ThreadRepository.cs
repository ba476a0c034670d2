using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Comments;

internal sealed class ThreadRepository(ReplicaReads replica)
{
    /// <summary>The most comments on a page of roots, including replies.</summary>
    public const int MaxPageComments = 1000;

    public Task<Position?> Locate(long id, CancellationToken ct) => replica.Read(connection => Locate(connection, id, ct), ct);

    private static Task<Position?> Locate(NpgsqlConnection connection, long id, CancellationToken ct) =>
        connection.QuerySingleOrDefaultAsync<Position>("""
            select c.root_id, thread.version
            from comments_comments c
            join comments_threads thread on thread.root_id = c.root_id
            where c.id = @id
            """, new { id }, ct);

    /// <returns>The comment with its descendants as far as <paramref name="shape"/> allows; null if there is no such comment.</returns>
    public async Task<Forest?> Tree(long id, TreeShape shape, long? caller, CancellationToken ct)
    {
        var forest = shape is { Depth: null, Children: null } && await Whole(id, shape.Limit, caller, ct) is { } rows
            ? new Forest(rows, [id], shape.Sort)
            : await FirstPart(id, shape, caller, ct);
        if (forest.Rows.Count > 0)
            return forest;
        forest.Dispose();
        return null;
    }

    /// <returns>Null if there is no such comment, or if it has more descendants than the limit.</returns>
    private Task<CommentRows?> Whole(long id, int limit, long? caller, CancellationToken ct) =>
        replica.Read(async connection =>
        {
            foreach (var sql in (string[])[WholeThread, Subtree])
            {
                var rows = await connection.ReadRows(sql, [new("id", id), new("limit", limit), Caller(caller)], ct);
                if (rows.Count > 0)
                    return rows;
                rows.Dispose();
            }

            return null;
        }, ct);

    private static NpgsqlParameter Caller(long? caller) => new("caller", NpgsqlDbType.Bigint) { Value = (object?)caller ?? DBNull.Value };

    // `(select @id)` hides the value from the planner, which would otherwise plan each read again.

    /// <summary>A thread by its root id, which is faster than by the closure.</summary>
    internal const string WholeThread = $"""
        select {CommentRows.Columns}
        from comments_threads thread
        join comments_comments c on c.root_id = thread.root_id
        where thread.root_id = (select @id::bigint) and thread.comment_count <= @limit
        """;

    /// <summary>The article's query: all comments of which the comment is an ancestor, including itself.</summary>
    private const string Subtree = $"""
        select {CommentRows.Columns}
        from comments_comments top
        join comments_threads thread on thread.root_id = top.root_id
        join comments_tree on comments_tree.ancestor_id = top.id
        join comments_comments c on c.id = comments_tree.descendant_id
        where top.id = (select @id::bigint) and top.descendant_count < @limit
        """;

    private Task<Forest> FirstPart(long id, TreeShape shape, long? caller, CancellationToken ct) => shape.Sort == CommentSort.Top
        ? replica.ReadSnapshot(async connection => await Bounded(
            connection,
            new Tops([id], Next: null, await connection.ExecuteScalarAsync<string>("select pg_current_snapshot()::text", null, ct)),
            shape, caller, ct), ct)
        : replica.Read(connection => Bounded(connection, new Tops([id], Next: null, Snapshot: null), shape, caller, ct), ct);

    /// <param name="sort">The order of the roots; <paramref name="shape"/> has that of the replies.</param>
    public Task<Forest> Roots(string? topic, CommentSort sort, Cursor? after, int count, TreeShape shape, long? caller, CancellationToken ct) =>
        replica.ReadSnapshot(async connection =>
        {
            var list = new PagedList(topic is null ? AllRoots : TopicRoots, CursorList.Roots, Cursor.ScopeOf(topic));
            var page = await Page(connection, list, after, sort, count,
                new NpgsqlParameter("topic", NpgsqlDbType.Text) { Value = (object?)topic ?? DBNull.Value }, ct);
            return await Bounded(connection, page, shape, caller, ct);
        }, ct);

    private const string AllRoots = """
        select root_id as id, created_at, like_count, last_activity_at
        from comments_threads
        where comment_count > 0
        """;

    private const string TopicRoots = $"{AllRoots} and topic = @topic";

    /// <returns>The page, and the thread's version from the same snapshot for the ETag; null if there is no such comment.</returns>
    public Task<(Position At, Forest Forest)?> Replies(long parentId, Cursor? after, TreeShape shape, long? caller, CancellationToken ct) =>
        replica.ReadSnapshot<(Position, Forest)?>(async connection =>
        {
            if (await Locate(connection, parentId, ct) is not { } at)
                return null;
            var list = new PagedList(DirectReplies, CursorList.Replies, parentId);
            var page = await Page(connection, list, after, shape.Sort, shape.Limit, new NpgsqlParameter("parentId", parentId), ct);
            return (at, await Bounded(connection, page, shape, caller, ct));
        }, ct);

    private const string DirectReplies = """
        select id, created_at, like_count
        from comments_comments
        where parent_id = @parentId
        """;

    /// <returns>From the root to the parent, with the thread's version from the same snapshot; null if there is no such comment.</returns>
    public Task<(Position At, Forest Forest)?> Ancestors(long id, long? caller, CancellationToken ct) =>
        replica.ReadSnapshot<(Position, Forest)?>(async connection =>
        {
            if (await Locate(connection, id, ct) is not { } at)
                return null;
            var ids = await connection.QueryAsync<long>("""
                select ancestor.id
                from comments_tree
                join comments_comments ancestor on ancestor.id = comments_tree.ancestor_id
                where comments_tree.descendant_id = @id and comments_tree.ancestor_id <> @id
                order by ancestor.depth
                """, new { id }, ct);
            return (at, await Listed(connection, [.. ids], next: null, caller, ct));
        }, ct);

    public Task<IReadOnlyDictionary<string, long>> Counts(string[] topics, CancellationToken ct) =>
        replica.Read<IReadOnlyDictionary<string, long>>(async connection =>
        {
            return (await connection.QueryAsync<(string Topic, long Count)>("""
                select asked.topic, coalesce(sum(thread.comment_count - thread.tombstone_count), 0)
                from (select distinct unnest(@topics)) as asked (topic)
                left join comments_threads thread on thread.topic = asked.topic and thread.comment_count > 0
                group by asked.topic
                """, new { topics }, ct)).ToDictionary(row => row.Topic, row => row.Count);
        }, ct);

    /// <summary>Comments by id, in the given order, without their replies.</summary>
    public static Task<Forest> Listed(NpgsqlConnection connection, long[] ids, Cursor? next, long? caller, CancellationToken ct) =>
        Bounded(connection, new Tops(ids, next, Snapshot: null), new TreeShape(CommentSort.New, Depth: 0, Children: null, Limit: ids.Length), caller, ct);

    /// <summary>
    /// The first part of the trees, breadth first, so that the limit omits the deepest comments. The cost depends only on the part shown:
    /// PostgreSQL stops the recursion at the limit and reads siblings from an index in the requested order.
    /// </summary>
    private static async Task<Forest> Bounded(
        NpgsqlConnection connection, Tops tops, TreeShape shape, long? caller, CancellationToken ct)
    {
        var rows = await connection.ReadRows(BoundedTrees(SortOrder.Of(shape.Sort)),
            [
                new("tops", tops.Ids), new("depth", shape.Depth ?? int.MaxValue), new("limit", shape.Limit), Caller(caller),
                new("children", NpgsqlDbType.Integer) { Value = (object?)shape.Children ?? DBNull.Value },
            ], ct);
        return new Forest(rows, tops.Ids, shape.Sort, tops.Next, tops.Snapshot);
    }

    private static string BoundedTrees(SortOrder order) => $"""
        with recursive page (id, level) as (
          select id, 0
          from unnest((select @tops)) with ordinality as top (id, position)
          union all
          select reply.id, page.level + 1
          from page
          cross join lateral (
            select id
            from comments_comments
            where parent_id = page.id
            order by {order.Key} {order.Direction}, id {order.Direction}
            limit (select @children)
          ) reply
          where page.level < @depth
        ),
        shown as (
          select id
          from page
          limit (select @limit)
        )
        select {CommentRows.Columns}
        from shown
        join comments_comments c on c.id = shown.id
        join comments_threads thread on thread.root_id = c.root_id
        """;

    /// <summary>
    /// A keyset page: the comments after the cursor's key. For a walk by likes, likes that were not visible in the walk's snapshot are
    /// subtracted, so that each comment is shown once.
    /// </summary>
    private static async Task<Tops> Page(
        NpgsqlConnection connection, PagedList list, Cursor? after, CommentSort sort, int count, NpgsqlParameter scope, CancellationToken ct)
    {
        var order = SortOrder.Of(sort);
        var (key, last) = after is { IsStart: false } place ? (place.Key, place.Id) : order.Start;
        await using var command = new NpgsqlCommand(sort == CommentSort.Top && after?.Snapshot is not null ? WalkByLikes(list.Sql) : PageOf(list.Sql, order), connection)
        {
            Parameters =
            {
                scope, new("count", count), new("last", last), order.KeyParameter(key),
                new("snapshot", NpgsqlDbType.Text) { Value = (object?)after?.Snapshot ?? DBNull.Value },
            },
        };
        var page = new List<(long Id, long Key)>(count + 1);
        string? snapshot = null;
        await using (var reader = await command.ExecuteReaderAsync(ct))
        {
            while (await reader.ReadAsync(ct))
            {
                page.Add((reader.GetInt64(0), sort == CommentSort.Top ? reader.GetInt32(1) : reader.GetDateTime(1).Ticks));
                if (sort == CommentSort.Top)
                    snapshot ??= reader.GetString(2);
            }
        }

        Cursor? next = page.Count > count
            ? new Cursor(list.Kind, list.Scope, sort, page[count - 1].Key, page[count - 1].Id, after?.Snapshot ?? snapshot)
            : null;
        return new Tops([.. page.Take(count).Select(item => item.Id)], next, snapshot);
    }

    private static string PageOf(string list, SortOrder order) => $"""
        select id, {order.Key}, pg_current_snapshot()::text
        from (
          {list}
        ) item
        where ({order.Key}, id) {order.After} (@key, @last)
        order by {order.Key} {order.Direction}, id {order.Direction}
        limit @count + 1
        """;

    private static string WalkByLikes(string list) => $"""
        with recent (id, likes) as materialized (
          select comment_id, sum((data ->> 'delta')::int)::int
          from comments_events
          where kind = 'liked'
            and xid >= pg_snapshot_xmin(@snapshot::pg_snapshot)
            and not pg_visible_in_snapshot(xid, @snapshot::pg_snapshot)
          group by comment_id
        )
        (
          select id, like_count, pg_current_snapshot()::text
          from (
            {list}
          ) item
          where (like_count, id) < (@key, @last) and not exists (select from recent where recent.id = item.id)
          order by like_count desc, id desc
          limit @count + 1
        )
        union all
        (
          select id, like_count - likes, pg_current_snapshot()::text
          from recent
          join (
            {list}
          ) item using (id)
          where (like_count - likes, id) < (@key, @last)
        )
        order by 2 desc, 1 desc
        limit @count + 1
        """;

    /// <summary>The top-level comments of a response, the position after them, and for walks by likes the snapshot of this read.</summary>
    private sealed record Tops(long[] Ids, Cursor? Next, string? Snapshot);

    private sealed record PagedList(string Sql, CursorList Kind, long Scope);

    /// <summary>A sort order as SQL. Ties are ordered by id in the same direction, so that one row comparison selects what follows <c>(@key, @last)</c>.</summary>
    /// <param name="Start">A key and an id before all others: UTC ticks, or likes.</param>
    private sealed record SortOrder(string Key, string Direction, string After, (long Key, long Id) Start)
    {
        public static SortOrder Of(CommentSort sort) => sort switch
        {
            CommentSort.New => new("created_at", "desc", "<", (DateTime.MaxValue.Ticks, long.MaxValue)),
            CommentSort.Old => new("created_at", "asc", ">", (DateTime.MinValue.Ticks, 0)),
            CommentSort.Active => new("last_activity_at", "desc", "<", (DateTime.MaxValue.Ticks, long.MaxValue)),
            _ => new("like_count", "desc", "<", (int.MaxValue, long.MaxValue)),
        };

        public NpgsqlParameter KeyParameter(long key) => Key == "like_count"
            ? new("key", NpgsqlDbType.Integer) { Value = (int)key }
            : new("key", NpgsqlDbType.TimestampTz) { Value = new DateTime(key, DateTimeKind.Utc) };
    }
}
