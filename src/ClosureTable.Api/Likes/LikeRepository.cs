using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Operations;
using Dapper;

namespace ClosureTable.Api.Likes;

/// <summary>The table <c>comments_likes</c>, and the counts that follow it.</summary>
internal sealed class LikeRepository(ReplicaReads replica, WriteTransaction writes)
{
    /// <summary>Makes the caller like a comment; changes nothing where he does already.</summary>
    public Task<Outcome<CommentLikes>> Like(Caller caller, long id, CancellationToken ct) => Set(caller, id, liked: true, """
        insert into comments_likes (comment_id, user_id)
        values (@id, @caller)
        on conflict (comment_id, user_id) do nothing
        returning comment_id, 1 as delta
        """, ct);

    /// <summary>Takes the caller's like back; changes nothing where there is none.</summary>
    public Task<Outcome<CommentLikes>> Unlike(Caller caller, long id, CancellationToken ct) => Set(caller, id, liked: false, """
        delete from comments_likes
        where comment_id = @id and user_id = @caller
        returning comment_id, -1 as delta
        """, ct);

    /// <summary>
    /// The counts change by the row that was really written or removed, in the same statement: a like that is sent twice,
    /// or by both of a user's devices at once, finds no row to change and raises neither the count nor the version.
    /// </summary>
    private Task<Outcome<CommentLikes>> Set(Caller caller, long id, bool liked, string change, CancellationToken ct) =>
        writes.Run<Outcome<CommentLikes>>(async connection =>
        {
            var comment = await connection.LockThreadOf(id, ct);
            if (comment is null)
                return Problem.CommentNotFound;
            if (comment.Deleted)
                return Problem.CommentDeleted;
            var (changed, count) = await connection.QuerySingleAsync<(bool Changed, int Count)>($"""
                with changed as (
                  {change}
                ),
                counted as (
                  update comments_comments
                  set like_count = like_count + changed.delta
                  from changed
                  where id = changed.comment_id
                  returning id, root_id, like_count, changed.delta
                ),
                thread as (
                  update comments_threads
                  set version = version + 1,
                      like_count = case when counted.id = counted.root_id then counted.like_count else comments_threads.like_count end
                  from counted
                  where comments_threads.root_id = counted.root_id
                  returning
                    comments_threads.root_id, version, topic, counted.id,
                    jsonb_build_object('delta', counted.delta, 'like_count', counted.like_count) as data
                ),
                recorded as (
                  insert into comments_events (root_id, version, kind, comment_id, topic, data)
                  select root_id, version, 'liked', id, topic, data
                  from thread
                )
                select
                  exists (select from counted),
                  coalesce((select like_count from counted), (select like_count from comments_comments where id = @id))
                """, new { id, caller = caller.Id }, ct);
            if (changed)
                Instruments.LikeChanged(given: liked);
            return new CommentLikes { Id = id, LikeCount = count, Liked = liked };
        }, ct);

    /// <summary>What a user likes, newest like first; deleted comments are left out.</summary>
    /// <returns>A page, or null when there is no such user.</returns>
    public Task<Forest?> LikedBy(long userId, Cursor? after, int count, long? caller, CancellationToken ct) =>
        replica.ReadSnapshot<Forest?>(async connection =>
        {
            await using var results = await connection.QueryMultipleAsync($"""
                select exists (select from auth_users where id = @userId);

                select mine.comment_id, mine.created_at
                from comments_likes mine
                join comments_comments c on c.id = mine.comment_id
                where mine.user_id = @userId and c.deleted_at is null
                  {(after is null ? "" : "and (mine.created_at, mine.comment_id) < (@key, @last)")}
                order by mine.created_at desc, mine.comment_id desc
                limit @count + 1;
                """,
                new { userId, count, key = new DateTime(after?.Key ?? 0, DateTimeKind.Utc), last = after?.Id ?? 0 }, ct);
            if (!await results.ReadSingleAsync<bool>())
                return null;
            var likes = (await results.ReadAsync<(long CommentId, DateTime At)>()).ToList();
            Cursor? next = null;
            if (likes.Count > count)
            {
                likes.RemoveAt(count);
                next = new Cursor(CursorList.Likes, userId, CommentSort.New, likes[^1].At.Ticks, likes[^1].CommentId);
            }

            return await ThreadRepository.Listed(connection, [.. likes.Select(like => like.CommentId)], next, caller, ct);
        }, ct);
}
