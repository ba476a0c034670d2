using System.Runtime.CompilerServices;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Operations;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Live;

/// <summary>
/// Sends what a client missed, up to the snapshot at which its stream joined; <see cref="EventDispatcher"/> delivers what follows. So
/// events are neither skipped nor repeated.
/// </summary>
internal sealed class EventReplay(EventRepository events, ThreadRepository threads, EventStreams streams, IOptions<LiveOptions> options)
{
    /// <summary>The number of events rendered with one query.</summary>
    public const int Chunk = 100;

    /// <summary>A stream of the thread that a comment is in; where the comment was deleted since the position, one that ends with that.</summary>
    /// <param name="last">The last event id that the client saw.</param>
    /// <returns>Null where there is no such comment.</returns>
    public async Task<EventStream?> OpenThread(long commentId, string? last, string client, CancellationToken ct)
    {
        var begins = string.IsNullOrEmpty(last);
        var position = begins ? null : ThreadPosition.Parse(last!, commentId);
        if (await threads.Locate(commentId, ct) is { } at)
        {
            return new EventStream(streams, client, commentId, options.Value.Retry, options.Value.BacklogBytes)
            {
                RootId = at.RootId,
                Replay = (self, stop) => Thread(self, position, begins, at.Version, stop),
            };
        }

        return position is { } stood && await events.Deleted(commentId, stood, ct) is { } deletion
            ? new EventStream(streams, client, commentId, options.Value.Retry, options.Value.BacklogBytes)
            {
                RootId = stood.RootId,
                Live = false,
                Replay = (_, stop) => Ending(stood, deletion, stop),
            }
            : null;
    }

    /// <inheritdoc cref="OpenThread" path="/param"/>
    public EventStream OpenTopic(string topic, string? last, string client)
    {
        var begins = string.IsNullOrEmpty(last);
        var position = begins ? null : TopicPosition.Parse(last!);
        return new EventStream(streams, client, commentId: 0, options.Value.Retry, options.Value.BacklogBytes)
        {
            Topic = topic,
            Replay = (self, stop) => Topic(self, position, begins, stop),
        };
    }

    /// <param name="position">Where the client stood; null for one that begins, and where what it said could not be read.</param>
    /// <param name="current">The thread's version, read before the stream was joined.</param>
    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Thread(
        EventStream stream, ThreadPosition? position, bool begins, long current, [EnumeratorCancellation] CancellationToken ct)
    {
        var until = await stream.Joined.Task;
        if (position is not null)
            Instruments.StreamsReplayed.Add(1);
        if (begins)
            yield return [EventFrame.Start(current)];

        var missed = begins || position?.RootId == stream.RootId
            ? await Complete(stream.RootId, position?.Version ?? current, current, until, ct)
            : null;
        if (missed is null)
        {
            yield return [EventFrame.Reset(current)];
            missed = await Complete(stream.RootId, current, current, until, ct) ?? [];
        }

        await foreach (var frames in Frames(missed, ct))
            yield return frames;
        if (missed.Exists(happened => happened.Removes) && (await threads.Locate(stream.CommentId, ct))?.RootId != stream.RootId)
            stream.End();
    }

    /// <summary>The last events of a comment or thread that was deleted while the client was away.</summary>
    /// <param name="last">The version of the deletion.</param>
    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Ending(ThreadPosition position, long last, [EnumeratorCancellation] CancellationToken ct)
    {
        var missed = await Complete(position.RootId, position.Version, last, until: null, ct);
        if (missed is null)
        {
            yield return [EventFrame.Reset(last)];
            yield break;
        }

        await foreach (var frames in Frames(missed.TakeWhile(happened => happened.Version <= last).ToList(), ct))
            yield return frames;
    }

    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Topic(
        EventStream stream, TopicPosition? position, bool begins, [EnumeratorCancellation] CancellationToken ct)
    {
        var until = await stream.Joined.Task;
        if (position is not null)
            Instruments.StreamsReplayed.Add(1);
        if (position is null || position.Seen > 10_000 || await events.Forgot(position.Since, position.Until ?? position.Since, ct))
        {
            yield return [begins ? EventFrame.Start(0, until) : EventFrame.Reset(0, until)];
            yield break;
        }

        // The rest of the batch in which the client was cut off, then what followed it.
        (string Since, int Seen, string Until)[] gaps = position.Until is { } cut
            ? [(position.Since, position.Seen, cut), (cut, 0, until)]
            : [(position.Since, 0, until)];
        foreach (var gap in gaps)
        {
            var all = await events.OfTopic(stream.Topic!, gap.Since, gap.Until, gap.Seen + options.Value.ReplayLimit + 1, ct);
            if (all.Count > gap.Seen + options.Value.ReplayLimit)
            {
                yield return [EventFrame.Reset(0, until)];
                yield break;
            }

            foreach (var chunk in ThreadEvent.Coalesce([.. all.Skip(gap.Seen)]).Chunk(Chunk))
                yield return OfTopic(all, gap.Seen, gap.Since, gap.Until, await events.Render(chunk, ct));
        }
    }

    /// <summary>
    /// Frames for a topic's events between two snapshots. The last id is the second snapshot; the others contain a count, which includes
    /// events that were merged into later ones.
    /// </summary>
    public static List<EventFrame> OfTopic(
        IReadOnlyList<ThreadEvent> all, int seen, string since, string until, IReadOnlyDictionary<(long RootId, long Version), ReadOnlyMemory<byte>> bodies)
    {
        var frames = new List<EventFrame>();
        for (var i = seen; i < all.Count; i++)
        {
            if (bodies.TryGetValue(all[i].Key, out var body))
                frames.Add(new EventFrame(all[i].Version, (i == all.Count - 1 ? new TopicPosition(until) : new TopicPosition(since, i + 1, until)).ToString(), body));
        }

        return frames;
    }

    /// <returns>All events after a version, to at least <paramref name="current"/>; null if some are missing or there are too many.</returns>
    private async Task<List<ThreadEvent>?> Complete(long rootId, long after, long current, string? until, CancellationToken ct)
    {
        var limit = options.Value.ReplayLimit;
        if (after > current || current - after > limit)
            return null;
        var found = await events.OfThread(rootId, after, until, limit + 1, ct);
        // The versions are distinct and in order: if the last one equals the count, none is missing.
        var last = found is [.., var latest] ? latest.Version : after;
        return found.Count <= limit && last == after + found.Count && last >= current ? found : null;
    }

    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Frames(IReadOnlyList<ThreadEvent> missed, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var chunk in ThreadEvent.Coalesce(missed).Chunk(Chunk))
        {
            var bodies = await events.Render(chunk, ct);
            yield return [.. chunk.Select(happened => new EventFrame(happened.Version, null, bodies[happened.Key]))];
        }
    }
}
