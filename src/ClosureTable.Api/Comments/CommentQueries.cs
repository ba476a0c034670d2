using ClosureTable.Api.Http;

namespace ClosureTable.Api.Comments;

/// <summary>A page of a list.</summary>
/// <param name="Limit">Comments per page, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the previous page.</param>
public sealed record PageQuery([PageSize] int Limit = 20, string? Cursor = null);

/// <summary>A page of roots.</summary>
/// <param name="Topic">Only threads of this topic.</param>
/// <param name="Sort">
/// The order at every level; by default that of the cursor, else <c>new</c>. <c>active</c> lists the threads with the newest comment first, and
/// their replies as <c>old</c>. A thread that gets a comment while its list is being paged moves to the front, and later pages omit it.
/// </param>
/// <param name="Limit">Roots per page, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the previous page.</param>
/// <param name="Depth">Levels of replies below each root, 0 to 1000.</param>
/// <param name="Children">The maximum number of replies per comment, 0 to 100; with 0, <c>children</c> is absent.</param>
public sealed record RootsQuery(
    [Topic] string? Topic = null,
    [OneOf("new", "old", "top", "active")] string? Sort = null,
    [PageSize] int Limit = 20,
    string? Cursor = null,
    [Depth] int Depth = 1,
    [Number(0, 100)] int Children = 0);

/// <summary>The requested part of a tree.</summary>
/// <param name="Sort">The order of replies at every level; by default <c>old</c>.</param>
/// <param name="Depth">Levels below the comment, 0 to 1000; by default all.</param>
/// <param name="Children">The maximum number of replies per comment, 0 to 10,000; by default all.</param>
/// <param name="Limit">The maximum number of comments in the response, 1 to 100,000.</param>
public sealed record TreeQuery(
    [OneOf("new", "old", "top")] string? Sort = null,
    [Depth] int? Depth = null,
    [Number(0, 10_000)] int? Children = null,
    [Number(1, 100_000)] int Limit = 10_000);

/// <summary>A page of replies.</summary>
/// <param name="Sort">The order at every level; by default that of the cursor, else <c>old</c>.</param>
/// <param name="Limit">The maximum number of comments in the response, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the previous page, or the cursor in the parent's <c>more</c>.</param>
/// <param name="Depth">Levels of replies below each direct reply, 0 to 1000.</param>
/// <param name="Children">The maximum number of replies per comment below the direct replies, 0 to 100.</param>
public sealed record RepliesQuery(
    [OneOf("new", "old", "top")] string? Sort = null,
    [PageSize] int Limit = 20,
    string? Cursor = null,
    [Depth] int Depth = 1,
    [Number(0, 100)] int Children = 3);
