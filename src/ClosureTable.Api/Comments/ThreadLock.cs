using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>A comment whose thread is locked by this transaction: nobody else changes it, or its tree, until the commit.</summary>
internal sealed record LockedComment
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
    public string? Topic { get; init; }
    public long Version { get; init; }

    /// <summary>An id for a reply, where one was asked for.</summary>
    public long? ReplyId { get; init; }

    /// <summary>The database's clock, read after the lock was had: within a thread, times follow versions.</summary>
    public DateTime Now { get; init; }

    public bool Deleted => DeletedAt is not null;
}

/// <summary>
/// The backbone of every write: take the thread's row, then look, then write, then raise its version. One row lock a thread
/// makes all writes to it follow each other, so that no reply lands under a comment that is being deleted, no two moves
/// make a cycle, and the versions number what happened without a gap.
/// </summary>
internal static class ThreadLock
{
    /// <summary>Locks the thread of a comment and reads the comment as it is under the lock; null when there is none.</summary>
    /// <remarks>
    /// One round trip, two statements: the second has a snapshot of its own, taken when the lock was had. The first one's may
    /// be older than what we waited for, which is why nothing is decided by it.
    /// </remarks>
    /// <param name="forReply">Takes an id for a reply along, which saves a round trip.</param>
    public static async Task<LockedComment?> LockThreadOf(this NpgsqlConnection connection, long id, CancellationToken ct, bool forReply = false)
    {
        await using var results = await connection.QueryMultipleAsync(
            forReply ? LockAndLookForReply : LockAndLook, new { id }, ct);
        var locked = await results.ReadSingleOrDefaultAsync<long?>();
        var comment = await results.ReadSingleOrDefaultAsync<LockedComment>();
        return comment is null || comment.RootId == locked ? comment : throw new ThreadMovedException();
    }

    private const string Lock = """
        select thread.root_id
        from comments_comments c
        join comments_threads thread on thread.root_id = c.root_id
        where c.id = @id
        for no key update of thread
        """;

    private const string LockAndLook = $"{Lock}; select {CommentColumns} {FromComments} where c.id = @id;";

    internal const string LockAndLookForReply = $"""
        {Lock}; select {CommentColumns}, nextval('comments_comments_id_seq') as reply_id {FromComments} where c.id = @id;
        """;

    /// <summary>
    /// Locks the threads of two comments, which may be one thread, in the order of their roots: two moves that want each
    /// other's threads then wait in line instead of for each other.
    /// </summary>
    /// <remarks>
    /// One at a time, looking again after each: a comment may have gone elsewhere while we waited, and to hold the row of its
    /// former thread while waiting for another is a lock out of order. Whoever brings that thread back to life wants the row too.
    /// </remarks>
    public static async Task<(LockedComment? First, LockedComment? Second)> LockThreadsOf(
        this NpgsqlConnection connection, long first, long second, CancellationToken ct)
    {
        var comments = new List<LockedComment>();
        var rootIds = (await connection.QueryAsync<long>(
            "select distinct root_id from comments_comments where id in (@first, @second) order by root_id", new { first, second }, ct)).ToList();
        foreach (var rootId in rootIds)
        {
            await using var results = await connection.QueryMultipleAsync($"""
                select root_id
                from comments_threads
                where root_id = @rootId
                for no key update;

                select {CommentColumns} {FromComments} where c.id in (@first, @second);
                """, new { rootId, first, second }, ct);
            await results.ReadAsync<long>();
            comments = (await results.ReadAsync<LockedComment>()).ToList();
            if (!comments.Select(comment => comment.RootId).Distinct().Order().SequenceEqual(rootIds))
                throw new ThreadMovedException();
        }

        return (comments.Find(comment => comment.Id == first), comments.Find(comment => comment.Id == second));
    }

    /// <summary>
    /// The last statement of a write: raises the version of the thread <c>@rootId</c> and writes down what happened to
    /// <c>@id</c> under that number.
    /// </summary>
    /// <param name="kind">The kind of event.</param>
    /// <param name="data">A jsonb expression: what a reader of the stream needs besides the comment.</param>
    /// <param name="set">Further columns of the thread to change.</param>
    public static string Record(string kind, string data = "null::jsonb", string set = "") => $"""
        with thread as (
          update comments_threads
          set version = version + 1{(set.Length > 0 ? ", " + set : "")}
          where root_id = @rootId
          returning root_id, version, topic
        )
        insert into comments_events (root_id, version, kind, comment_id, topic, data)
        select root_id, version, '{kind}', @id, topic, {data}
        from thread;
        """;

    private const string CommentColumns = """
        c.id, c.parent_id, c.root_id, c.depth, c.author_id, c.content, c.created_at, c.edited_at, c.deleted_at,
        c.child_count, c.descendant_count, thread.topic, thread.version, clock_timestamp() as now
        """;

    private const string FromComments = """
        from comments_comments c
        join comments_threads thread on thread.root_id = c.root_id
        """;
}

/// <summary>The comment went to another thread while we waited for the lock of the one where it was.</summary>
internal sealed class ThreadMovedException : Exception;
