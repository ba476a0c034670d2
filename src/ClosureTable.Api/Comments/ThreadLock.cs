using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>A comment whose thread is locked: no other transaction changes the comment or its tree until the commit.</summary>
internal sealed record LockedComment : ILocked
{
    public long Id { get; init; }
    public long? ParentId { get; init; }
    public long RootId { get; init; }
    public int Depth { get; init; }
    public long? AuthorId { get; init; }
    public string Content { get; init; } = "";
    public DateTime CreatedAt { get; init; }
    public DateTime? EditedAt { get; init; }
    public DateTime? DeletedAt { get; init; }
    public int ChildCount { get; init; }
    public int DescendantCount { get; init; }
    public long Version { get; init; }

    public long? ReplyId { get; init; }

    /// <summary>The database's clock, read under the lock: within a thread, times follow versions.</summary>
    public DateTime Now { get; init; }

    public bool Deleted => DeletedAt is not null;
}

internal interface ILocked
{
    long RootId { get; }
}

/// <summary>
/// Every write locks the thread's row, reads, writes, and increments the version. So writes to a thread are serialized: no reply below a
/// comment that is being deleted, no cycles by concurrent moves, no gaps in the versions.
/// </summary>
internal static class ThreadLock
{
    /// <summary>Locks the thread of a comment and reads the comment under the lock; null if it does not exist.</summary>
    /// <param name="forReply">Also reserves an id for a reply, which saves a round trip.</param>
    public static Task<LockedComment?> LockThreadOf(this NpgsqlConnection connection, long id, CancellationToken ct, bool forReply = false) =>
        connection.LockThread<LockedComment>(forReply ? LockAndLookForReply : LockAndLook, new { id }, ct);

    /// <summary>
    /// Runs <see cref="Lock"/> and, in the same round trip, a statement that returns a row about the comment <c>@id</c>, or none. Only the
    /// second statement's snapshot is certain to be newer than the lock.
    /// </summary>
    public static async Task<T?> LockThread<T>(this NpgsqlConnection connection, string lockAndLook, object parameters, CancellationToken ct)
        where T : class, ILocked
    {
        await using var results = await connection.QueryMultipleAsync(lockAndLook, parameters, ct);
        var locked = await results.ReadSingleOrDefaultAsync<long?>();
        var seen = await results.ReadSingleOrDefaultAsync<T>();
        return seen is null || seen.RootId == locked ? seen : throw new ThreadMovedException();
    }

    public const string Lock = """
        select thread.root_id
        from comments_comments c
        join comments_threads thread on thread.root_id = c.root_id
        where c.id = @id
        for no key update of thread;
        """;

    private const string LockAndLook = $"""
        {Lock}

        select {CommentColumns}
        {FromComments}
        where c.id = @id;
        """;

    internal const string LockAndLookForReply = $"""
        {Lock}

        select {CommentColumns}, nextval('comments_comments_id_seq') as reply_id
        {FromComments}
        where c.id = @id;
        """;

    private const string LockRoots = """
        select root_id
        from comments_threads
        where root_id = any(@rootIds)
        order by root_id
        for no key update;
        """;

    /// <returns>The root ids of the threads that exist.</returns>
    public static async Task<HashSet<long>> LockThreads(this NpgsqlConnection connection, long[] rootIds, CancellationToken ct) =>
        (await connection.QueryAsync<long>(LockRoots, new { rootIds }, ct, timeout: 0)).ToHashSet();

    /// <summary>
    /// Locks the threads of two comments in the order of their root ids, so that concurrent moves do not deadlock. Reads both again after
    /// each lock, because a comment may have moved during the wait and the order may have changed.
    /// </summary>
    public static async Task<(LockedComment? First, LockedComment? Second)> LockThreadsOf(
        this NpgsqlConnection connection, long first, long second, CancellationToken ct)
    {
        var comments = new List<LockedComment>();
        var rootIds = (await connection.QueryAsync<long>(
            "select distinct root_id from comments_comments where id in (@first, @second) order by root_id", new { first, second }, ct)).ToList();
        foreach (var rootId in rootIds)
        {
            await using var results = await connection.QueryMultipleAsync($"""
                {LockRoots}

                select {CommentColumns}
                {FromComments}
                where c.id in (@first, @second);
                """, new { rootIds = new[] { rootId }, first, second }, ct);
            await results.ReadAsync<long>();
            comments = (await results.ReadAsync<LockedComment>()).ToList();
            if (!comments.Select(comment => comment.RootId).Distinct().Order().SequenceEqual(rootIds))
                throw new ThreadMovedException();
        }

        return (comments.Find(comment => comment.Id == first), comments.Find(comment => comment.Id == second));
    }

    private const string CommentColumns = """
        c.id, c.parent_id, c.root_id, c.depth, c.author_id, c.content, c.created_at, c.edited_at, c.deleted_at,
        c.child_count, c.descendant_count, thread.version, clock_timestamp() as now
        """;

    private const string FromComments = """
        from comments_comments c
        join comments_threads thread on thread.root_id = c.root_id
        """;
}

/// <summary>The comment moved to another thread while this transaction waited for the lock.</summary>
internal sealed class ThreadMovedException : Exception;
