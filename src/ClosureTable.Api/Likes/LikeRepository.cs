using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Operations;
using Dapper;

namespace ClosureTable.Api.Likes;

internal sealed class LikeRepository(ReplicaReads replica, WriteTransaction writes)
{
    /// <summary>Adds the caller's like; changes nothing if it exists.</summary>
    public Task<Outcome<CommentLikes>> Like(Caller caller, long id, CancellationToken ct) => Set(caller, id, liked: true, $"""
        {ThreadLock.Lock}

        with changed as (
          insert into comments_likes (comment_id, user_id)
          select id, @caller
          from comments_comments
          where id = @id and deleted_at is null
          on conflict (comment_id, user_id) do nothing
          returning comment_id
        ),
        counted as (
          update comments_comments
          set like_count = like_count + 1
          where id in (select comment_id from changed)
        )
        select root_id, deleted_at is not null as deleted, like_count, exists (select from changed) as changed
        from comments_comments
        where id = @id;
        """, ct);

    /// <summary>Removes the caller's like; changes nothing if there is none.</summary>
    public Task<Outcome<CommentLikes>> Unlike(Caller caller, long id, CancellationToken ct) => Set(caller, id, liked: false, $"""
        {ThreadLock.Lock}

        with changed as (
          delete from comments_likes
          where comment_id = @id and user_id = @caller
            and exists (select from comments_comments where id = @id and deleted_at is null)
          returning comment_id
        ),
        counted as (
          update comments_comments
          set like_count = like_count - 1
          where id in (select comment_id from changed)
        )
        select root_id, deleted_at is not null as deleted, like_count, exists (select from changed) as changed
        from comments_comments
        where id = @id;
        """, ct);

    /// <summary>The statement that adds or removes the row also changes the count, so a repeated or concurrent like counts once.</summary>
    /// <param name="change">Locks the thread, then changes the like and returns the comment as it was before.</param>
    private Task<Outcome<CommentLikes>> Set(Caller caller, long id, bool liked, string change, CancellationToken ct) =>
        writes.Run<Outcome<CommentLikes>>(async connection =>
        {
            var comment = await connection.LockThread<LikedComment>(change, new { id, caller = caller.Id }, ct);
            if (comment is null)
                return Problem.CommentNotFound;
            if (comment.Deleted)
                return Problem.CommentDeleted;
            if (!comment.Changed)
                return new CommentLikes { Id = id, LikeCount = comment.LikeCount, Liked = liked };
            var delta = liked ? 1 : -1;
            var count = comment.LikeCount + delta;
            await connection.Write(EventLog.Record, ThreadChange.Liked(comment.RootId, id, delta, count), ct);
            Instruments.LikeChanged(given: liked);
            return new CommentLikes { Id = id, LikeCount = count, Liked = liked };
        }, ct);

    private sealed record LikedComment : ILocked
    {
        public long RootId { get; init; }
        public bool Deleted { get; init; }
        public int LikeCount { get; init; }
        public bool Changed { get; init; }
    }

    /// <summary>The comments that a user likes, newest like first; null if there is no such user.</summary>
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
