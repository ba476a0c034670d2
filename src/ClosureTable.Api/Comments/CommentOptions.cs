using System.ComponentModel.DataAnnotations;

namespace ClosureTable.Api.Comments;

/// <summary>The section <c>Comments</c> of the configuration.</summary>
internal sealed record CommentOptions
{
    /// <summary>The maximum depth of a comment; a root has 0. The closure of a chain grows with the square of its length.</summary>
    [Range(1, 1000, ErrorMessage = "Comments__MaxDepth must be a number from 1 to 1000.")]
    public int MaxDepth { get; init; } = 100;

    /// <summary>How long after posting an author may edit a comment; null for no limit. It does not apply to moderators.</summary>
    public TimeSpan? EditWindow { get; init; }
}
