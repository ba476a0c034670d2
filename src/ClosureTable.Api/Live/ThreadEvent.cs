namespace ClosureTable.Api.Live;

/// <summary>A row of <c>comments_events</c>: something that happened to a thread, under the version that it made.</summary>
internal sealed record ThreadEvent
{
    public long RootId { get; init; }
    public long Version { get; init; }
    public string Kind { get; init; } = "";
    public long CommentId { get; init; }
    public string? Topic { get; init; }

    /// <summary>A JSON object with what the kind adds, or null.</summary>
    public string? Data { get; init; }

    /// <summary>Whether the event may have taken comments out of the thread.</summary>
    public bool Removes => Kind is "deleted" or "moved";

    /// <summary>
    /// Of several likes of one comment that wait together only the last is kept: it has the last count. Order and the last
    /// version stay, so that whoever resumes after any of them misses nothing.
    /// </summary>
    public static List<ThreadEvent> Coalesce(IReadOnlyList<ThreadEvent> events)
    {
        var kept = new List<ThreadEvent>(events.Count);
        var liked = new HashSet<(long, long)>();
        for (var i = events.Count - 1; i >= 0; i--)
        {
            if (events[i].Kind != "liked" || liked.Add((events[i].RootId, events[i].CommentId)))
                kept.Add(events[i]);
        }

        kept.Reverse();
        return kept;
    }
}
