using ClosureTable.Api.Data;
using Dapper;

namespace ClosureTable.Api.Feeds;

/// <summary>A comment in a feed.</summary>
internal sealed record FeedComment
{
    public long Id { get; init; }
    public string Content { get; init; } = "";
    public string AuthorName { get; init; } = "";
    public DateTime CreatedAt { get; init; }
    public DateTime? EditedAt { get; init; }
}

/// <summary>The newest comments of a topic or of a user, without deleted ones.</summary>
internal sealed class FeedRepository(ReplicaReads replica)
{
    public const int Length = 50;

    public Task<IReadOnlyList<FeedComment>> OfTopic(string topic, CancellationToken ct) =>
        replica.Read<IReadOnlyList<FeedComment>>(async connection =>
            (await connection.QueryAsync<FeedComment>("""
                select c.id, c.content, author.name as author_name, c.created_at, c.edited_at
                from comments_threads thread
                join comments_comments c on c.root_id = thread.root_id
                join auth_users author on author.id = c.author_id
                where thread.topic = @topic and thread.comment_count > 0 and c.deleted_at is null
                order by c.created_at desc, c.id desc
                limit @Length
                """, new { topic, Length }, ct)).AsList(), ct);

    /// <summary>A user's newest comments, and the user's name; null if there is no such user.</summary>
    public Task<(string Name, IReadOnlyList<FeedComment> Comments)?> OfUser(long userId, CancellationToken ct) =>
        replica.Read<(string Name, IReadOnlyList<FeedComment> Comments)?>(async connection =>
        {
            await using var results = await connection.QueryMultipleAsync("""
                select name from auth_users where id = @userId;

                -- Ids are nearly in the order of writing: the newest are at the end of the index by author and id.
                select c.id, c.content, author.name as author_name, c.created_at, c.edited_at
                from comments_comments c
                join auth_users author on author.id = c.author_id
                where c.author_id = @userId and c.deleted_at is null
                order by c.id desc
                limit @Length;
                """, new { userId, Length }, ct);
            return await results.ReadSingleOrDefaultAsync<string>() is { } name
                ? (name, (await results.ReadAsync<FeedComment>()).AsList())
                : null;
        }, ct);
}
