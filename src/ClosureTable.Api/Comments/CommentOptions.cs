using System.ComponentModel.DataAnnotations;

namespace ClosureTable.Api.Comments;

/// <summary>The section <c>Comments</c> of the configuration, or variables such as <c>Comments__MaxDepth</c>.</summary>
internal sealed record CommentOptions
{
    /// <summary>The deepest level that a comment may have; a root has 0. A closure table grows with the square of a chain: 5,000 levels are 12.5 million rows.</summary>
    [Range(1, 1000, ErrorMessage = "Comments__MaxDepth must be a number from 1 to 1000.")]
    public int MaxDepth { get; init; } = 100;

    /// <summary>How long after writing a comment its author may edit it; null for ever. Moderators may always.</summary>
    public TimeSpan? EditWindow { get; init; }
}
