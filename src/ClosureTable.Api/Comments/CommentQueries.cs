using ClosureTable.Api.Http;

namespace ClosureTable.Api.Comments;

/// <summary>A page of a list.</summary>
/// <param name="Limit">Comments on a page, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the page before.</param>
public sealed record PageQuery([PageSize] int Limit = 20, string? Cursor = null);

/// <summary>A page of roots.</summary>
/// <param name="Topic">Only threads of this topic.</param>
/// <param name="Sort">
/// The order, at every level; by default <c>new</c>, or the cursor's. <c>active</c>: threads with the newest comment first, replies as with <c>old</c>.
/// A thread that gets a comment moves to the front: a walk shows no thread twice, and leaves out one that moved before its turn came.
/// </param>
/// <param name="Limit">Roots on a page, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the page before.</param>
/// <param name="Depth">Levels of replies below each root, 0 to 1000.</param>
/// <param name="Children">First replies of each comment, 0 to 100; with 0 the list leaves <c>children</c> out.</param>
public sealed record RootsQuery(
    [Topic] string? Topic = null,
    [OneOf("new", "old", "top", "active")] string? Sort = null,
    [PageSize] int Limit = 20,
    string? Cursor = null,
    [Depth] int Depth = 1,
    [Number(0, 100)] int Children = 0);

/// <summary>How much of a tree is read.</summary>
/// <param name="Sort">The order of replies, at every level; by default <c>old</c>, as a conversation reads.</param>
/// <param name="Depth">Levels below the comment, 0 to 1000; by default all.</param>
/// <param name="Children">First replies of each comment, 0 to 10,000; by default all.</param>
/// <param name="Limit">Comments in the answer, 1 to 100,000.</param>
public sealed record TreeQuery(
    [OneOf("new", "old", "top")] string? Sort = null,
    [Depth] int? Depth = null,
    [Number(0, 10_000)] int? Children = null,
    [Number(1, 100_000)] int Limit = 10_000);

/// <summary>A page of replies.</summary>
/// <param name="Sort">The order, at every level; by default <c>old</c>, or the cursor's.</param>
/// <param name="Limit">Comments in the answer, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the page before, or the cursor of this comment's <c>more</c>.</param>
/// <param name="Depth">Levels of replies below each direct reply, 0 to 1000.</param>
/// <param name="Children">First replies of each of them, 0 to 100.</param>
public sealed record RepliesQuery(
    [OneOf("new", "old", "top")] string? Sort = null,
    [PageSize] int Limit = 20,
    string? Cursor = null,
    [Depth] int Depth = 1,
    [Number(0, 100)] int Children = 3);
