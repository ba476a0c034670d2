using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;

namespace ClosureTable.Api.Comments;

/// <summary>A new comment.</summary>
public sealed record CreateCommentRequest
{
    /// <summary>The text: 1 to 10,000 characters after trimming, some of them visible.</summary>
    /// <example>A closure table remembers every ancestor.</example>
    [Required, Content]
    public string Content { get; init; } = null!;

    /// <summary>The comment to reply to; absent or null for a new thread.</summary>
    /// <example>null</example>
    public long? ParentId { get; init; }

    /// <summary>The page or subject of a new thread, 1 to 512 characters; not allowed in a reply.</summary>
    /// <example>/blog/closure-tables</example>
    [Topic]
    public string? Topic { get; init; }
}

/// <summary>A new text for a comment.</summary>
public sealed record EditCommentRequest
{
    /// <summary>The text: 1 to 10,000 characters after trimming, some of them visible.</summary>
    /// <example>A closure table remembers every ancestor, and its level.</example>
    [Required, Content]
    public string Content { get; init; } = null!;
}

/// <summary>A new parent for a comment.</summary>
public sealed record MoveCommentRequest
{
    /// <summary>The new parent, in any thread; null makes the comment the root of a new thread.</summary>
    /// <example>null</example>
    [ParentRequired]
    public long? ParentId
    {
        get;
        init => (field, IsParentSent) = (value, true);
    }

    /// <summary>Distinguishes null from an absent field.</summary>
    internal bool IsParentSent { get; private init; }
}

/// <summary>The result of an edit.</summary>
public sealed record EditedComment
{
    /// <summary>1, or 0 if the text was already the same.</summary>
    public required int Updated { get; init; }

    /// <summary>The comment, without its replies.</summary>
    public required Comment Comment { get; init; }
}

/// <summary>The result of a deletion.</summary>
public sealed record DeletedComments
{
    /// <summary>The number of removed comments, including tombstones that lost their last reply; 1 for a new tombstone.</summary>
    public required int Deleted { get; init; }
}

/// <summary>The result of a move.</summary>
public sealed record MovedComment
{
    /// <summary>The number of moved comments; 0 if the parent was already the same.</summary>
    public required int Moved { get; init; }

    /// <summary>The comment, without its replies.</summary>
    public required Comment Comment { get; init; }
}
