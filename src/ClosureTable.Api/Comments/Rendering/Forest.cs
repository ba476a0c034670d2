namespace ClosureTable.Api.Comments.Rendering;

/// <summary>The requested part and order of a tree.</summary>
/// <param name="Depth">Levels below the top; null for all.</param>
/// <param name="Children">The maximum number of replies per comment; null for all.</param>
/// <param name="Limit">The maximum number of comments in the response.</param>
internal readonly record struct TreeShape(CommentSort Sort, int? Depth, int? Children, int Limit);

/// <param name="Tops">The top-level comments, in order.</param>
/// <param name="Next">The position after the last top; null at the end of the list.</param>
/// <param name="Snapshot">The snapshot of this read, for the cursors of a walk by likes.</param>
internal sealed record Forest(CommentRows Rows, long[] Tops, CommentSort Sort, Cursor? Next = null, string? Snapshot = null) : IDisposable
{
    public void Dispose() => Rows.Dispose();
}

internal sealed record Position
{
    public long RootId { get; init; }
    public long Version { get; init; }
}
