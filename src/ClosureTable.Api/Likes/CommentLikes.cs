namespace ClosureTable.Api.Likes;

/// <summary>The likes of a comment after the caller liked or unliked it.</summary>
public sealed record CommentLikes
{
    /// <summary>The comment.</summary>
    public required long Id { get; init; }

    /// <summary>The number of users who like it.</summary>
    public required int LikeCount { get; init; }

    /// <summary>Whether the caller likes it.</summary>
    public required bool Liked { get; init; }
}
