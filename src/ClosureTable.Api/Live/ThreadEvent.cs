using System.Text.Json.Nodes;
using ClosureTable.Api.Comments;

namespace ClosureTable.Api.Live;

/// <summary>A row of <c>comments_events</c>: something that happened to a thread, under the version that it made.</summary>
internal sealed record ThreadEvent
{
    public long RootId { get; init; }
    public long Version { get; init; }

    /// <summary>Names the event: coalesced with others it is another object, and still the one of its version.</summary>
    public (long RootId, long Version) Key => (RootId, Version);

    public string Kind { get; init; } = "";
    public long CommentId { get; init; }
    public string? Topic { get; init; }

    /// <summary>A JSON object with what the kind adds, or null.</summary>
    public string? Data { get; init; }

    /// <summary>Whether the event may have taken comments out of the thread.</summary>
    public bool Removes => Kind is EventKind.Deleted or EventKind.Moved;

    /// <summary>
    /// Likes of one comment that follow each other are told as one, which has the last count and version and the sum of their changes.
    /// Not across another event: whoever resumes after that one must have heard exactly what came before it.
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
