using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Commands.Integrity;

/// <summary>
/// Rebuilds tree, depths and counts from the parents (<see cref="ParentTruth"/>), one locked thread per transaction. The oldest comment
/// of a cycle, and comments without an existing parent, become roots. No content is lost.
/// </summary>
internal sealed class Repair(NpgsqlDataSource primary)
{
    /// <summary>A repair can reveal damage in another thread, which the next pass finds.</summary>
    private const int MaxPasses = 10;

    /// <param name="rootId">Only this thread; null for all.</param>
    public async Task Run(long? rootId, Action<string> changed, Action<Violation> remains, CancellationToken ct)
    {
        var verification = new Verification(primary);
        for (var pass = 1; ; pass++)
        {
            var violations = new List<Violation>();
            await verification.Run(rootId, violations.Add, progress: null, ct);
            if (violations.Count == 0)
                return;
            if (pass > MaxPasses)
            {
                violations.ForEach(remains);
                return;
            }

            if (violations.Exists(violation => violation.Invariant == Invariant.NoOrphans.Name))
                await Write(0, connection => ClearTheGone(connection, ct), changed, ct);
            foreach (var thread in violations.Select(violation => violation.RootId).OfType<long>().Distinct().Order())
                await Thread(thread, changed, ct);
        }
    }

    private async Task Thread(long rootId, Action<string> changed, CancellationToken ct)
    {
        while (await Write(rootId, connection => Loosen(connection, rootId, ct), changed, ct))
        {
            // One cycle or orphan at a time, until there are none.
        }

        await Write(rootId, connection => Rebuild(connection, rootId, ct), changed, ct);
    }

    /// <returns>Whether anything changed.</returns>
    private async Task<bool> Write(long rootId, Func<NpgsqlConnection, Task<Changes>> work, Action<string> changed, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var changes = await work(connection);
        if (!changes.Any)
            return false;
        await transaction.CommitAsync(CancellationToken.None);
        changed(rootId == 0 ? changes.ToString() : $"thread {rootId}: {changes}");
        return true;
    }

    /// <summary>Makes one comment of a cycle, or one without an existing parent, a root.</summary>
    private static async Task<Changes> Loosen(NpgsqlConnection connection, long rootId, CancellationToken ct)
    {
        await connection.LockThreads([rootId], ct);
        var changes = new Changes();
        var loose = await connection.QuerySingleOrDefaultAsync<(long Id, long? ParentId, bool ParentExists)?>("""
            with recursive climb (id, next_id) as (
              select c.id, c.parent_id
              from comments_comments c
              where c.root_id = @rootId and c.parent_id is not null
              union all
              select climb.id, above.parent_id
              from climb
              join comments_comments above on above.id = climb.next_id
            ) cycle next_id set looped using path
            select c.id, c.parent_id, parent.id is not null
            from comments_comments c
            left join comments_comments parent on parent.id = c.parent_id
            where c.root_id = @rootId and c.parent_id is not null
              and (parent.id is null or c.id in (select id from climb where next_id = id))
            order by c.id
            limit 1
            """, new { rootId }, ct, timeout: 0);
        if (loose is not { } comment)
            return changes;

        await connection.ExecuteAsync("""
            update comments_comments
            set parent_id = null, root_id = @Id, depth = 0
            where id = @Id
            """, new { comment.Id }, ct, timeout: 0);
        await RestoreThreadRow(connection, comment.Id, ct);
        changes.Add(1, comment.ParentExists
            ? $"comment {comment.Id}, which was below itself by its parent {comment.ParentId}, is the root of a thread of its own now"
            : $"comment {comment.Id}, whose parent {comment.ParentId} does not exist, is the root of a thread of its own now");
        return changes;
    }

    private static async Task<Changes> Rebuild(NpgsqlConnection connection, long rootId, CancellationToken ct)
    {
        var changes = new Changes();
        await ParentTruth.Create(connection, ct);
        if (!await Hold(connection, rootId, changes, ct))
        {
            changes.Add(await connection.ExecuteAsync("""
                update comments_threads
                set comment_count = 0, tombstone_count = 0
                where root_id = @rootId and (comment_count, tombstone_count) <> (0, 0)
                """, new { rootId }, ct, timeout: 0), "{0} thread row of what is no root counts nothing now");
            await MendLog(connection, rootId, changes, ct);
            if (changes.Any)
                await Record(connection, rootId, ct);
            return changes;
        }

        // A tombstone without replies is removed; if it is the root, with the whole thread.
        var removed = await connection.ExecuteAsync("""
            with doomed as materialized (
              select truth.id
              from truth_comments truth
              join truth_tree below on below.ancestor_id = truth.id
              join comments_comments c on c.id = below.descendant_id
              group by truth.id
              having count(*) = count(c.deleted_at)
            ),
            rows as (
              delete from comments_tree
              where descendant_id in (select id from doomed)
            ),
            threads as (
              delete from comments_threads
              where root_id in (select id from doomed)
            )
            delete from comments_comments
            where id in (select id from doomed)
            """, new { rootId }, ct, timeout: 0);
        changes.Add(removed, "{0} tombstones without a reply removed");
        if (removed > 0 && await ParentTruth.Fill(connection, rootId, rootId, ct) == 0)
            return changes;

        await RebuildPlaces(connection, changes, ct);
        await RebuildTree(connection, changes, ct);
        await RebuildCounts(connection, rootId, changes, ct);
        await MendLog(connection, rootId, changes, ct);
        if (changes.Any)
            await Record(connection, rootId, ct);
        return changes;
    }

    /// <summary>
    /// Locks the thread and all threads to which its comments belong by <c>root_id</c>, because writes would lock those, and fills
    /// <see cref="ParentTruth"/>.
    /// </summary>
    /// <returns>Whether there is such a root.</returns>
    private static async Task<bool> Hold(NpgsqlConnection connection, long rootId, Changes changes, CancellationToken ct)
    {
        changes.Add(await RestoreThreadRow(connection, rootId, ct), "{0} thread row added");
        long[] claimed = [rootId];
        while (true)
        {
            await connection.ExecuteAsync("savepoint unlocked", null, ct);
            await connection.LockThreads(claimed, ct);
            if (await ParentTruth.Fill(connection, rootId, rootId, ct) == 0)
                return false;
            var now = (await connection.QueryAsync<long>("""
                select distinct c.root_id
                from truth_comments truth
                join comments_comments c on c.id = truth.id
                order by 1
                """, null, ct, timeout: 0)).ToArray();
            if (now.All(claimed.Contains))
                return true;
            // Locks all again in the order of their ids, because any other order could deadlock with moves.
            await connection.ExecuteAsync("rollback to savepoint unlocked", null, ct);
            claimed = [.. now.Union(claimed).Order()];
        }
    }

    private static Task<int> RestoreThreadRow(NpgsqlConnection connection, long rootId, CancellationToken ct) =>
        connection.ExecuteAsync("""
            insert into comments_threads (root_id, topic, version, comment_count, created_at, last_activity_at)
            select root.id, newest.topic, coalesce(newest.version, 0), 0, root.created_at, clock_timestamp()
            from comments_comments root
            left join lateral (
              select topic, version
              from comments_events
              where root_id = root.id
              order by version desc
              limit 1
            ) newest on true
            where root.id = @rootId and root.parent_id is null
            on conflict (root_id) do nothing
            """, new { rootId }, ct, timeout: 0);

    private static async Task RebuildPlaces(NpgsqlConnection connection, Changes changes, CancellationToken ct)
    {
        changes.Add(await connection.ExecuteAsync("""
            update comments_comments c
            set root_id = truth.root_id, depth = truth.depth
            from truth_comments truth
            where truth.id = c.id and (c.root_id, c.depth) <> (truth.root_id, truth.depth)
            """, null, ct, timeout: 0), "root_id or depth of {0} comments");
        changes.Add(await connection.ExecuteAsync("""
            with revisions as (
              delete from comments_revisions revision
              using truth_comments truth, comments_comments c
              where revision.comment_id = truth.id and c.id = truth.id and c.deleted_at is not null
              returning revision.comment_id
            )
            update comments_comments c
            set content = '', author_id = null
            from truth_comments truth
            where truth.id = c.id and c.deleted_at is not null
              and (c.content <> '' or c.author_id is not null or c.id in (select comment_id from revisions))
            """, null, ct, timeout: 0), "{0} tombstones blanked");
    }

    private static async Task RebuildTree(NpgsqlConnection connection, Changes changes, CancellationToken ct)
    {
        changes.Add(await connection.ExecuteAsync("""
            delete from comments_tree tree
            using truth_comments truth
            where tree.descendant_id = truth.id
              and not exists (
                select
                from truth_tree expected
                where expected.descendant_id = tree.descendant_id and expected.ancestor_id = tree.ancestor_id
              )
            """, null, ct, timeout: 0), "{0} rows of the tree removed");
        changes.Add(await connection.ExecuteAsync("""
            update comments_tree tree
            set nearest_ancestor_id = expected.nearest_ancestor_id, depth = expected.depth
            from truth_tree expected
            where tree.ancestor_id = expected.ancestor_id and tree.descendant_id = expected.descendant_id
              and (tree.nearest_ancestor_id, tree.depth) <> (expected.nearest_ancestor_id, expected.depth)
            """, null, ct, timeout: 0), "{0} rows of the tree corrected");
        var ids = (await connection.QueryAsync<long>("select id from truth_comments", null, ct, timeout: 0)).ToArray();
        changes.Add(await connection.ExecuteAsync(Closure.FromParents, new { ids }, ct, timeout: 0), "{0} rows added to the tree");
    }

    private static async Task RebuildCounts(NpgsqlConnection connection, long rootId, Changes changes, CancellationToken ct)
    {
        changes.Add(await connection.ExecuteAsync("""
            update comments_comments c
            set child_count = actual.replies, descendant_count = actual.below, like_count = actual.likes
            from (
              select truth.id, coalesce(replies.count, 0) as replies, below.count as below, coalesce(likes.count, 0) as likes
              from truth_comments truth
              join (select ancestor_id as id, count(*) - 1 as count from truth_tree group by ancestor_id) below on below.id = truth.id
              left join (select parent_id as id, count(*) from truth_comments group by parent_id) replies on replies.id = truth.id
              left join (
                select comment_id as id, count(*)
                from comments_likes
                where comment_id in (select id from truth_comments)
                group by comment_id
              ) likes on likes.id = truth.id
            ) actual
            where actual.id = c.id and (c.child_count, c.descendant_count, c.like_count) <> (actual.replies, actual.below, actual.likes)
            """, null, ct, timeout: 0), "counts of {0} comments");
        changes.Add(await connection.ExecuteAsync("""
            update comments_threads thread
            set comment_count = actual.comments, tombstone_count = actual.tombstones, like_count = root.like_count, created_at = root.created_at,
                last_activity_at = greatest(thread.last_activity_at, root.created_at)
            from (
              select count(*) as comments, count(c.deleted_at) as tombstones
              from truth_comments truth
              join comments_comments c on c.id = truth.id
            ) actual, comments_comments root
            where thread.root_id = @rootId and root.id = @rootId
              and (thread.comment_count, thread.tombstone_count, thread.like_count, thread.created_at, thread.last_activity_at)
                <> (actual.comments, actual.tombstones, root.like_count, root.created_at, greatest(thread.last_activity_at, root.created_at))
            """, new { rootId }, ct, timeout: 0), "{0} thread row");
    }

    /// <summary>
    /// Removes the events before a gap, as if they had been pruned, so that clients from before it reload. The version is raised above
    /// every number that was ever used.
    /// </summary>
    private static async Task MendLog(NpgsqlConnection connection, long rootId, Changes changes, CancellationToken ct)
    {
        changes.Add(await connection.ExecuteAsync("""
            update comments_threads
            set version = newest.version
            from (select max(version) as version from comments_events where root_id = @rootId) newest
            where root_id = @rootId and comments_threads.version < newest.version
            """, new { rootId }, ct, timeout: 0), "{0} version raised to its newest event's");
        changes.Add(await connection.ExecuteAsync("""
            delete from comments_events
            where root_id = @rootId
              and version <= (
                select coalesce(max(gap.version), -1)
                from (
                  select event.version, lead(event.version, 1, coalesce(thread.version, event.version) + 1) over (order by event.version) as next
                  from comments_events event
                  left join comments_threads thread on thread.root_id = event.root_id
                  where event.root_id = @rootId
                ) gap
                where gap.next <> gap.version + 1
              )
            """, new { rootId }, ct, timeout: 0), "{0} events before a gap removed");
    }

    /// <summary>A repair increments the version like any write, because one ETag must never name two states.</summary>
    private static Task Record(NpgsqlConnection connection, long rootId, CancellationToken ct) =>
        connection.Write(EventLog.Record, ThreadChange.Repaired(rootId), ct);

    private static async Task<Changes> ClearTheGone(NpgsqlConnection connection, CancellationToken ct)
    {
        var changes = new Changes();
        foreach (var (table, column) in new[]
        {
            ("comments_tree", "descendant_id"), ("comments_likes", "comment_id"), ("comments_revisions", "comment_id"), ("comments_threads", "root_id"),
        })
            changes.Add(await connection.ExecuteAsync($"""
                delete from {table}
                where not exists (select from comments_comments c where c.id = {table}.{column})
                """, null, ct, timeout: 0), $"{{0}} rows of {table} removed, whose comments are gone");
        return changes;
    }

    private sealed class Changes
    {
        private readonly List<string> sentences = [];

        public bool Any => sentences.Count > 0;

        public void Add(int count, string sentence)
        {
            if (count > 0)
                sentences.Add(string.Format(System.Globalization.CultureInfo.InvariantCulture, sentence, count));
        }

        public override string ToString() => string.Join("; ", sentences);
    }
}
