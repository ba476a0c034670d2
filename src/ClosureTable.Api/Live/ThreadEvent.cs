using System.Text.Json.Nodes;
using ClosureTable.Api.Comments;

namespace ClosureTable.Api.Live;

/// <summary>A row of <c>comments_events</c>: a change of a thread, with the version that it produced.</summary>
/// <param name="Data">A JSON object with the data specific to the kind, or null.</param>
internal sealed record ThreadEvent(long RootId, long Version, string Kind, long CommentId, string? Topic, string? Data)
{
    /// <summary>Identifies the event, also after it was merged with others.</summary>
    public (long RootId, long Version) Key => (RootId, Version);

    /// <summary>Whether the event may have taken comments out of the thread.</summary>
    public bool Removes => Kind is EventKind.Deleted or EventKind.Moved;

    /// <summary>
    /// Merges consecutive likes of one comment: the last count and version, and the sum of the changes. Likes separated by another event
    /// are not merged, because a client may resume between them.
    /// </summary>
    public static List<ThreadEvent> Coalesce(IReadOnlyList<ThreadEvent> events)
    {
        var told = new List<ThreadEvent>(events.Count);
        foreach (var happened in events)
        {
            if (told is [.., var before] && before.Kind == EventKind.Liked && happened.Kind == EventKind.Liked
                && (before.RootId, before.CommentId) == (happened.RootId, happened.CommentId))
                told[^1] = happened with { Data = Sum(before.Data!, happened.Data!) };
            else
                told.Add(happened);
        }

        return told;
    }

    private static string Sum(string before, string last)
    {
        var sum = JsonNode.Parse(last)!;
        sum["delta"] = (int)sum["delta"]! + (int)JsonNode.Parse(before)!["delta"]!;
        return sum.ToJsonString();
    }
}
