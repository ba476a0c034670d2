namespace ClosureTable.Api.Likes;

/// <summary>A comment's likes, after the caller's was put or taken back.</summary>
public sealed record CommentLikes
{
    /// <summary>The comment.</summary>
    public required long Id { get; init; }

    /// <summary>How many users like it now.</summary>
    public required int LikeCount { get; init; }

    /// <summary>Whether the caller does.</summary>
    public required bool Liked { get; init; }
}
