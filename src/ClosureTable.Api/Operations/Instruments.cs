using System.Diagnostics.Metrics;

namespace ClosureTable.Api.Operations;

/// <summary>The service's own metrics. An instrument without a listener costs one comparison.</summary>
internal static class Instruments
{
    public const string MeterName = "ClosureTable";

    private static readonly Meter Own = new(MeterName);

    private static readonly Counter<long> Created = Own.CreateCounter<long>(
        "closuretable.comments.created", "{comment}", "Comments that were written, replays of idempotent requests not counted.");

    private static readonly Histogram<int> Depths = Own.CreateHistogram<int>(
        "closuretable.comments.depth", "{level}", "The level of each comment that was written; a root has 0.");

    private static readonly Counter<long> LikesChanged = Own.CreateCounter<long>(
        "closuretable.likes", "{like}", "Likes given and taken back; `change` is given or taken.");

    public static readonly Counter<long> ResponsesReplayed = Own.CreateCounter<long>(
        "closuretable.idempotency.replays", "{answer}", "Answers that were replayed to a request that came again with its Idempotency-Key.");

    public static readonly UpDownCounter<long> StreamsOpen = Own.CreateUpDownCounter<long>(
        "closuretable.streams.open", "{stream}", "Event streams that are open now.");

    public static readonly Counter<long> StreamsReplayed = Own.CreateCounter<long>(
        "closuretable.streams.replays", "{stream}", "Event streams that began with what a Last-Event-ID had missed.");

    public static void CommentCreated(int depth)
    {
        Created.Add(1);
        Depths.Record(depth);
    }

    public static void LikeChanged(bool given) => LikesChanged.Add(1, new KeyValuePair<string, object?>("change", given ? "given" : "taken"));
}
