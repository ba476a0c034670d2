using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Operations;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Comments;

/// <summary>The writes. Each method is one transaction: lock the thread, decide, write.</summary>
internal sealed class CommentRepository(NpgsqlDataSource primary, WriteTransaction writes, IOptions<CommentOptions> options)
{
    public Task<Outcome<CreatedComment>> Create(
        Caller caller, string content, long? parentId, string? topic, IdempotencyKey? key, CancellationToken ct) =>
        writes.Run<Outcome<CreatedComment>>(async connection =>
        {
            if (key is not null && await connection.Claim(key, ct) is var (earlier, problem))
                return earlier is null ? problem! : await Replay(connection, caller, earlier, ct);

            LockedComment? parent = null;
            if (parentId is { } replyTo)
            {
                parent = await connection.LockThreadOf(replyTo, ct, forReply: true);
                if (parent is null)
                    return Problem.ParentNotFound;
                if (parent.Deleted)
                    return Problem.ParentDeleted;
                if (parent.Depth + 1 > options.Value.MaxDepth)
                    return Problem.TooDeep;
            }

            var id = parent?.ReplyId ?? await connection.ExecuteScalarAsync<long>(
                "select nextval('comments_comments_id_seq')", null, ct);
            using var created = parent is null
                ? await InsertRoot(connection, caller, id, content, topic, ct)
                : await InsertReply(connection, caller, id, content, parent, ct);
            var body = CommentResponses.New(created);
            if (key is not null)
                await connection.Keep(key, id, CommentResponses.NewButRemoved(created), ct);
            Instruments.CommentCreated(parent is null ? 0 : parent.Depth + 1);
            return new CreatedComment(id, body);
        }, ct);

    private static async Task<CreatedComment> Replay(NpgsqlConnection connection, Caller caller, StoredResponse earlier, CancellationToken ct)
    {
        using var rows = await connection.ReadRows(ReadOne, [new("id", earlier.CommentId), new("caller", caller.Id)], ct);
        return new CreatedComment(earlier.CommentId, rows.Count > 0 ? CommentResponses.New(rows) : earlier.WhenRemoved, Replayed: true);
    }

    private static Task<CommentRows> InsertRoot(
        NpgsqlConnection connection, Caller caller, long id, string content, string? topic, CancellationToken ct) =>
        connection.ReadRows($"""
            insert into comments_comments (id, parent_id, root_id, depth, author_id, content, created_at)
            values (@id, null, @id, 0, @author, @content, clock_timestamp());

            {Closure.Self}

            insert into comments_threads (root_id, topic, version, comment_count, created_at, last_activity_at)
            select id, @topic, 0, 0, created_at, created_at
            from comments_comments
            where id = @id;

            {EventLog.Record}

            {ReadOne}
            """,
            [
                .. EventLog.Parameters(ThreadChange.Created(id, id, parentId: null, at: null)),
                new NpgsqlParameter<int>("depth", 0), new("author", caller.Id), new("content", content), new("caller", caller.Id),
                new("topic", NpgsqlDbType.Text) { Value = (object?)topic ?? DBNull.Value },
            ], ct);

    private static Task<CommentRows> InsertReply(
        NpgsqlConnection connection, Caller caller, long id, string content, LockedComment parent, CancellationToken ct) =>
        connection.ReadRows(Reply,
            [
                .. EventLog.Parameters(ThreadChange.Created(parent.RootId, id, parent.Id, parent.Now)),
                new("parentId", parent.Id), new("depth", parent.Depth + 1), new("author", caller.Id), new("content", content),
                new("now", parent.Now), new("caller", caller.Id),
            ], ct);

    internal const string Reply = $"""
        insert into comments_comments (id, parent_id, root_id, depth, author_id, content, created_at)
        values (@id, @parentId, @rootId, @depth, @author, @content, @now);

        {Closure.Self}

        {Closure.Reply}

        update comments_comments
        set child_count = child_count + case when id = @parentId then 1 else 0 end,
            descendant_count = descendant_count + 1
        where id in (select ancestor_id from comments_tree where descendant_id = @parentId);

        {EventLog.Record}

        {ReadOne}
        """;

    public Task<Outcome<Edited>> Edit(
        Caller caller, long id, string content, IfMatch ifMatch, Func<CommentRows, ReadOnlyMemory<byte>> render, CancellationToken ct) =>
        writes.Run<Outcome<Edited>>(async connection =>
        {
            var comment = await connection.LockThreadOf(id, ct);
            if (Refusal(comment, caller, ifMatch) is { } problem)
                return problem;
            if (!caller.IsModerator && options.Value.EditWindow is { } window && comment!.Now - comment.CreatedAt > window)
                return Problem.EditWindowClosed;
            var changed = content != comment!.Content;
            using var rows = changed
                ? await connection.ReadRows(ReplaceText,
                    [
                        .. EventLog.Parameters(ThreadChange.Edited(comment.RootId, id)),
                        new("before", comment.Content), new("beforeAt", comment.EditedAt ?? comment.CreatedAt), new("editor", caller.Id),
                        new("content", content), new("now", comment.Now), new("caller", caller.Id),
                    ], ct)
                : await connection.ReadRows(ReadOne, [new("id", id), new("caller", caller.Id)], ct);
            return new Edited(changed ? 1 : 0, comment.RootId, rows.Version, render(rows));
        }, ct);

    private const string ReplaceText = $"""
        insert into comments_revisions (comment_id, revision, content, written_at, editor_id)
        select @id, coalesce(max(revision), 0) + 1, @before, @beforeAt, @editor
        from comments_revisions
        where comment_id = @id;

        update comments_comments
        set content = @content, edited_at = @now
        where id = @id;

        {EventLog.Record}

        {ReadOne}
        """;

    /// <returns>The number of deleted comments, or 1 for a new tombstone.</returns>
    public Task<Outcome<int>> Delete(Caller caller, long id, bool subtree, IfMatch ifMatch, CancellationToken ct) =>
        writes.Run<Outcome<int>>(async connection =>
        {
            var comment = await connection.LockThreadOf(id, ct);
            if (subtree && !caller.IsModerator)
                return comment is null ? Problem.CommentNotFound : Problem.Forbidden;
            if (Refusal(comment, caller, ifMatch, tombstonesToo: subtree) is { } problem)
                return problem;
            if (comment!.ChildCount > 0 && !subtree)
            {
                await BuryUnderTombstone(connection, comment, ct);
                return 1;
            }

            return await Remove(connection, comment, eventId: id, ct);
        }, ct);

    private static Task BuryUnderTombstone(NpgsqlConnection connection, LockedComment comment, CancellationToken ct) =>
        connection.Write($"""
            update comments_comments
            set content = '', author_id = null, deleted_at = @now
            where id = @id;

            delete from comments_revisions where comment_id = @id;

            {EventLog.Record}
            """, ThreadChange.Buried(comment.RootId, comment.Id), ct, new NpgsqlParameter("now", comment.Now));

    /// <summary>Removes a comment, its descendants, and ancestors that are tombstones without other replies.</summary>
    private static async Task<int> Remove(NpgsqlConnection connection, LockedComment comment, long eventId, CancellationToken ct)
    {
        // Tombstones whose only reply is removed go too, up to the first ancestor with another reply.
        var top = (Id: comment.Id, comment.ParentId);
        foreach (var above in await connection.QueryAsync<(long Id, long? ParentId, bool Deleted, int ChildCount)>("""
            select c.id, c.parent_id, c.deleted_at is not null, c.child_count
            from comments_tree up
            join comments_comments c on c.id = up.ancestor_id
            where up.descendant_id = @Id and up.ancestor_id <> @Id
            order by c.depth desc
            """, new { comment.Id }, ct))
        {
            if (!above.Deleted || above.ChildCount != 1)
                break;
            top = (above.Id, above.ParentId);
        }

        var (doomed, tombstones) = await Subtree(connection, top.Id, ct);
        // The tree first, which references the comments; the thread's row after its last event.
        await connection.Write($"""
            update comments_comments
            set child_count = child_count - case when id = @parentId then 1 else 0 end,
                descendant_count = descendant_count - cardinality(@doomed)
            where id in (select ancestor_id from comments_tree where descendant_id = @parentId);

            {EventLog.Record}

            delete from comments_tree where descendant_id = any(@doomed);
            delete from comments_threads where root_id = any(@doomed);
            delete from comments_comments where id = any(@doomed);
            """, ThreadChange.Removed(comment.RootId, eventId, doomed, tombstones), ct,
            new("doomed", doomed), new("parentId", NpgsqlDbType.Bigint) { Value = (object?)top.ParentId ?? DBNull.Value });
        return doomed.Length;
    }

    private static async Task<(long[] Ids, int Tombstones)> Subtree(NpgsqlConnection connection, long id, CancellationToken ct)
    {
        var below = (await connection.QueryAsync<(long Id, bool Deleted)>("""
            select c.id, c.deleted_at is not null
            from comments_tree below
            join comments_comments c on c.id = below.descendant_id
            where below.ancestor_id = @id
            """, new { id }, ct)).ToList();
        return ([.. below.Select(comment => comment.Id)], below.Count(comment => comment.Deleted));
    }

    /// <param name="parentId">The new parent in any thread, or null to make the comment a root.</param>
    public Task<Outcome<Moved>> Move(
        Caller caller, long id, long? parentId, IfMatch ifMatch, Func<CommentRows, ReadOnlyMemory<byte>> render, CancellationToken ct) =>
        writes.Run<Outcome<Moved>>(async connection =>
        {
            var (comment, parent) = parentId is { } to
                ? await connection.LockThreadsOf(id, to, ct)
                : (await connection.LockThreadOf(id, ct), null);
            if (!caller.IsModerator)
                return comment is null ? Problem.CommentNotFound : Problem.Forbidden;
            if (Refusal(comment, caller, ifMatch, tombstonesToo: true) is { } problem)
                return problem;
            if (parentId is not null && parent is null)
                return Problem.ParentNotFound;
            if (parent?.Deleted == true)
                return Problem.ParentDeleted;
            if (comment!.ParentId == parentId)
            {
                using var unmoved = await connection.ReadRows(ReadOne, [new("id", id), new("caller", caller.Id)], ct);
                return new Moved(0, comment.RootId, unmoved.Version, render(unmoved));
            }

            // Both threads are locked, so what is read now holds until the commit.
            var (below, deepest) = await connection.QuerySingleAsync<(bool Below, int Deepest)>("""
                select coalesce(bool_or(descendant_id = @parentId), false), max(depth)
                from comments_tree
                where ancestor_id = @id
                """, new { id, parentId }, ct);
            if (below)
                return Problem.IntoItself;
            var shift = (parent is null ? 0 : parent.Depth + 1) - comment.Depth;
            if (deepest + shift > options.Value.MaxDepth)
                return Problem.TooDeep;

            await Reattach(connection, comment, parent, shift, ct);
            using var rows = await connection.ReadRows(ReadOne, [new("id", id), new("caller", caller.Id)], ct);
            return new Moved(comment.DescendantCount + 1, parent?.RootId ?? id, rows.Version, render(rows));
        }, ct);

    private static async Task Reattach(NpgsqlConnection connection, LockedComment comment, LockedComment? parent, int shift, CancellationToken ct)
    {
        var newRootId = parent?.RootId ?? comment.Id;
        var (moved, tombstones) = await Subtree(connection, comment.Id, ct);
        await connection.ExecuteAsync($"""
            update comments_comments
            set child_count = child_count - case when id = @oldParentId then 1 else 0 end,
                descendant_count = descendant_count - cardinality(@moved)
            where id in (select ancestor_id from comments_tree where descendant_id = @oldParentId);

            {Closure.Cut}

            update comments_comments
            set parent_id = case when id = @id then @parentId else parent_id end,
                root_id = @newRootId,
                depth = depth + @shift
            where id = any(@moved);

            {Closure.Join}

            update comments_comments
            set child_count = child_count + case when id = @parentId then 1 else 0 end,
                descendant_count = descendant_count + cardinality(@moved)
            where id in (select ancestor_id from comments_tree where descendant_id = @parentId);
            """,
            new { comment.Id, parentId = parent?.Id, oldParentId = comment.ParentId, newRootId, shift, moved }, ct);

        // If this comment was a root before, its thread row still exists, with its version.
        if (parent is null)
            await connection.ExecuteAsync("""
                insert into comments_threads (root_id, topic, version, comment_count, like_count, created_at, last_activity_at)
                select c.id, thread.topic, 0, 0, c.like_count, c.created_at, clock_timestamp()
                from comments_comments c, comments_threads thread
                where c.id = @Id and thread.root_id = @RootId
                on conflict (root_id) do update
                set topic = excluded.topic, like_count = excluded.like_count;
                """, new { comment.Id, comment.RootId }, ct);
        var change = ThreadChange.Moved(comment.RootId, comment.Id, parent?.Id, comment.ParentId, comment.RootId, newRootId);
        await connection.WriteAll(newRootId == comment.RootId ? [change] :
        [
            change with { Comments = -moved.Length, Tombstones = -tombstones },
            change with { RootId = newRootId, Comments = moved.Length, Tombstones = tombstones },
        ], ct);

        // A tombstone that loses its last reply by the move is deleted, as if that reply had been deleted.
        if (comment.ParentId is { } oldParentId
            && await connection.LockThreadOf(oldParentId, ct) is { Deleted: true, ChildCount: 0 } emptied)
            await Remove(connection, emptied, eventId: emptied.Id, ct);
    }

    public Task<Outcome<IReadOnlyList<Revision>>> Revisions(Caller caller, long id, CancellationToken ct) =>
        primary.Read<Outcome<IReadOnlyList<Revision>>>(async connection =>
        {
            var owner = await connection.QuerySingleOrDefaultAsync<(long Id, long? AuthorId)?>(
                "select id, author_id from comments_comments where id = @id", new { id }, ct);
            if (owner is null)
                return Problem.CommentNotFound;
            if (owner.Value.AuthorId != caller.Id && !caller.IsModerator)
                return Problem.Forbidden;
            return (await connection.QueryAsync<Revision>("""
                select revision as number, content, written_at, editor_id
                from comments_revisions
                where comment_id = @id
                order by revision desc
                """, new { id }, ct)).ToList();
        }, ct);

    /// <summary>Checks ownership before the response reveals anything else about a living comment; tombstones have no owner.</summary>
    private static Problem? Refusal(LockedComment? comment, Caller caller, IfMatch ifMatch, bool tombstonesToo = false) => comment switch
    {
        null => Problem.CommentNotFound,
        { Deleted: true } when !tombstonesToo => Problem.CommentDeleted,
        _ when comment.AuthorId != caller.Id && !caller.IsModerator => Problem.Forbidden,
        _ when !ifMatch.Holds(comment.RootId, comment.Version) => Problem.PreconditionFailed,
        _ => null,
    };

    private const string ReadOne = $"""
        select {CommentRows.Columns}
        from comments_comments c
        join comments_threads thread on thread.root_id = c.root_id
        where c.id = @id;
        """;
}

/// <summary>A new comment, or the one that an earlier request with the same key created.</summary>
internal sealed record CreatedComment(long Id, ReadOnlyMemory<byte> Comment, bool Replayed = false);

internal sealed record Edited(int Updated, long RootId, long Version, ReadOnlyMemory<byte> Comment);

internal sealed record Moved(int Comments, long RootId, long Version, ReadOnlyMemory<byte> Comment);
