using System.Text.Json.Serialization;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>A comment.</summary>
/// <remarks>
/// Only describes responses in the API document: <see cref="CommentWriter"/> writes the same shape directly from the rows, and
/// a test compares the two.
/// </remarks>
public record Comment
{
    /// <summary>The id; newer comments usually have greater ids.</summary>
    public required long Id { get; init; }

    /// <summary>The comment to which it replies; null for the root of a thread.</summary>
    public required long? ParentId { get; init; }

    /// <summary>The root of its thread.</summary>
    public required long RootId { get; init; }

    /// <summary>The page or subject of the thread; null if it has none.</summary>
    public required string? Topic { get; init; }

    /// <summary>The level in the thread; a root has 0.</summary>
    public required int Depth { get; init; }

    /// <summary>The text; null if the comment was deleted.</summary>
    public required string? Content { get; init; }

    /// <summary>The author; null if the comment was deleted.</summary>
    public required Author? Author { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTime CreatedAt { get; init; }

    /// <summary>When it was last edited; null if never.</summary>
    public required DateTime? EditedAt { get; init; }

    /// <summary>True for a tombstone: a deleted comment that has replies.</summary>
    public required bool Deleted { get; init; }

    /// <summary>The number of users who like it.</summary>
    public required int LikeCount { get; init; }

    /// <summary>Whether the caller likes it; absent for anonymous callers.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? Liked { get; init; }

    /// <summary>The number of direct replies, including tombstones.</summary>
    public required int ChildCount { get; init; }

    /// <summary>The number of replies at all levels, including tombstones.</summary>
    public required int DescendantCount { get; init; }

    /// <summary>The direct replies in this response, in the requested order; absent in lists.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<Comment>? Children { get; init; }

    /// <summary>The omitted direct replies; absent if there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public More? More { get; init; }
}

/// <summary>The author of a comment.</summary>
public sealed record Author
{
    /// <summary>The user's id.</summary>
    public required long Id { get; init; }

    /// <summary>The display name.</summary>
    public required string Name { get; init; }
}

/// <summary>The direct replies that a response omits.</summary>
public sealed record More
{
    /// <summary>The number of omitted direct replies.</summary>
    public required int Count { get; init; }

    /// <summary>The <c>cursor</c> for <c>GET /comments/{id}/children</c>.</summary>
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

/// <summary>The order of comments at every level; ties are ordered by id in the same direction.</summary>
public enum CommentSort
{
    /// <summary>Newest first.</summary>
    New,

    /// <summary>Oldest first.</summary>
    Old,

    /// <summary>Most liked first.</summary>
    Top,

    /// <summary>Threads with the newest comment first; only for lists of threads.</summary>
    Active,
}
