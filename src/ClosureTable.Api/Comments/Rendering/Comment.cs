using System.Text.Json.Serialization;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>A comment.</summary>
/// <remarks>
/// This record is what the API document describes; <see cref="CommentWriter"/> writes the same shape straight from the rows,
/// and a test holds what is sent against the document.
/// </remarks>
public record Comment
{
    /// <summary>Its number; newer comments usually have greater ones.</summary>
    public required long Id { get; init; }

    /// <summary>The comment that it replies to; null for the root of a thread.</summary>
    public required long? ParentId { get; init; }

    /// <summary>The comment at the top of its thread.</summary>
    public required long RootId { get; init; }

    /// <summary>The page or subject that the thread belongs to; null where none was named.</summary>
    public required string? Topic { get; init; }

    /// <summary>The level in the whole tree; a root has 0.</summary>
    public required int Depth { get; init; }

    /// <summary>The text; null when the comment was deleted.</summary>
    public required string? Content { get; init; }

    /// <summary>Who wrote it; null when the comment was deleted.</summary>
    public required Author? Author { get; init; }

    /// <summary>When it was written.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it was last edited; null when it never was.</summary>
    public required DateTime? EditedAt { get; init; }

    /// <summary>True for a tombstone: the comment is gone, its replies are not.</summary>
    public required bool Deleted { get; init; }

    /// <summary>How many users like it.</summary>
    public required int LikeCount { get; init; }

    /// <summary>Whether the caller likes it; absent for anonymous callers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Liked { get; init; }

    /// <summary>The number of direct replies, tombstones among them.</summary>
    public required int ChildCount { get; init; }

    /// <summary>The number of comments below it, at every level, tombstones among them.</summary>
    public required int DescendantCount { get; init; }

    /// <summary>The direct replies that this answer shows, in the order asked for; absent in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Comment>? Children { get; init; }

    /// <summary>What was left out here; absent when all direct replies are shown.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public More? More { get; init; }
}

/// <summary>Who wrote a comment.</summary>
public sealed record Author
{
    /// <summary>The user's number.</summary>
    public required long Id { get; init; }

    /// <summary>The name to show.</summary>
    public required string Name { get; init; }
}

/// <summary>Direct replies that an answer left out.</summary>
public sealed record More
{
    /// <summary>How many direct replies are not shown.</summary>
    public required int Count { get; init; }

    /// <summary>Where they begin: the <c>cursor</c> for <c>GET /comments/{id}/children</c>.</summary>
    public required string Cursor { get; init; }
}

/// <summary>A page of comments.</summary>
public sealed record CommentPage
{
    /// <summary>The comments of this page.</summary>
    public required IReadOnlyList<Comment> Comments { get; init; }

    /// <summary>The <c>cursor</c> of the next page; null on the last one.</summary>
    public required string? NextCursor { get; init; }
}

/// <summary>The order of comments at every level; ties go by id, in the same direction.</summary>
public enum CommentSort
{
    /// <summary>Newest first.</summary>
    New,

    /// <summary>Oldest first.</summary>
    Old,

    /// <summary>Most liked first.</summary>
    Top,

    /// <summary>Newest comment of the thread first; of threads only.</summary>
    Active,
}
