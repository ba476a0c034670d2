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

    /// <summary>The comment to reply to; absent or null to begin a thread.</summary>
    /// <example>null</example>
    public long? ParentId { get; init; }

    /// <summary>The page or subject of a new thread, 1 to 512 characters; a reply has its thread's.</summary>
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

/// <summary>A new place for a comment and all below it.</summary>
public sealed record MoveCommentRequest
{
    /// <summary>The new parent, in any thread; null makes the comment the root of a thread of its own.</summary>
    /// <example>null</example>
    [ParentRequired]
    public long? ParentId
    {
        get;
        init => (field, IsParentSent) = (value, true);
    }

    /// <summary>Whether the field was in the body: null is a value of its own.</summary>
    internal bool IsParentSent { get; private init; }
}

/// <summary>What came of an edit.</summary>
public sealed record EditedComment
{
    /// <summary>1; 0 when the text was the same already, and nothing was changed.</summary>
    public required int Updated { get; init; }

    /// <summary>The comment as it is now, without its replies.</summary>
    public required Comment Comment { get; init; }
}

/// <summary>What came of a deletion.</summary>
public sealed record DeletedComments
{
    /// <summary>How many comments this took away: those that are gone, tombstones that thereby lost their last reply among them, or 1 for a new tombstone.</summary>
    public required int Deleted { get; init; }
}

/// <summary>What came of a move.</summary>
public sealed record MovedComment
{
    /// <summary>How many comments moved; 0 when it was there already.</summary>
    public required int Moved { get; init; }

    /// <summary>The comment in its new place, without its replies.</summary>
    public required Comment Comment { get; init; }
}
