using ClosureTable.Api.Comments.Rendering;

namespace ClosureTable.Api.Search;

/// <summary>A page of search results, best first.</summary>
public sealed record SearchPage
{
    /// <summary>The comments of this page, without their replies.</summary>
    public required IReadOnlyList<CommentHit> Comments { get; init; }

    /// <summary>The number of ranked matches. If it is the maximum (1,000 by default), older matches may have been omitted.</summary>
    public required int Ranked { get; init; }

    /// <summary>The <c>cursor</c> of the next page; null on the last one.</summary>
    public required string? NextCursor { get; init; }
}

/// <summary>A search result.</summary>
public sealed record CommentHit : Comment
{
    /// <summary>The matching parts of the text, as HTML: matches are in <c>&lt;mark&gt;</c>, and everything else is escaped.</summary>
    public required string Snippet { get; init; }

    /// <summary>The ids of the comment's ancestors, from the root to the parent; empty for a root.</summary>
    public required IReadOnlyList<long> Ancestors { get; init; }
}
