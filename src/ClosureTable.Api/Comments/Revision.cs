namespace ClosureTable.Api.Comments;

/// <summary>An earlier text of a comment.</summary>
public sealed record Revision
{
    /// <summary>The number; the original text has 1.</summary>
    public required int Number { get; init; }

    /// <summary>The earlier text.</summary>
    public required string Content { get; init; }

    /// <summary>When it was written.</summary>
    public required DateTime WrittenAt { get; init; }

    /// <summary>The user who replaced it.</summary>
    public required long? EditorId { get; init; }
}

/// <summary>The history of a comment.</summary>
public sealed record RevisionList
{
    /// <summary>The earlier texts, newest first.</summary>
    public required IReadOnlyList<Revision> Revisions { get; init; }
}
