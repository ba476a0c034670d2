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
                Replay = (self, stop) => Thread(self, position, known: begins || position is not null, at.Version, stop),
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
            Replay = (self, stop) => Topic(self, position, known: begins || position is not null, stop),
        };
    }

    /// <param name="position">Where the client says it stood; null for one that begins.</param>
    /// <param name="current">The thread's version, read before the stream was joined.</param>
    /// <param name="known">Whether what the client said could be read.</param>
    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Thread(
        EventStream stream, ThreadPosition? position, bool known, long current, [EnumeratorCancellation] CancellationToken ct)
    {
        var until = await stream.Joined.Task;
        if (position is not null)
            Instruments.StreamReplayed();
        var after = position?.Version ?? current;
        if (known && position is null)
            yield return [EventFrame.Start(current)];

        List<ThreadEvent>? missed = null;
        if (known && (position is null || position.Value.RootId == stream.RootId))
            missed = await Complete(stream.RootId, after, current, until, ct);
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
        EventStream stream, TopicPosition? position, bool known, [EnumeratorCancellation] CancellationToken ct)
    {
        var until = await stream.Joined.Task;
        if (position is not null)
            Instruments.StreamReplayed();
        if (known && position is null)
        {
            yield return [EventFrame.Start(0, until)];
            yield break;
        }

        if (position is null || position.Seen > 10_000 || await events.Forgot(position.Since, position.Until ?? position.Since, ct))
        {
            yield return [EventFrame.Reset(0, until)];
            yield break;
        }

        // The rest of the batch in which the client was cut off, then what followed it.
        if (position.Until is { } cut)
        {
            var rest = await events.OfTopic(stream.Topic!, position.Since, cut, position.Seen + options.Value.ReplayLimit + 1, ct);
            if (rest.Count > position.Seen + options.Value.ReplayLimit)
            {
                yield return [EventFrame.Reset(0, until)];
                yield break;
            }

            await foreach (var frames in Frames(rest, position.Seen, position.Since, cut, ct))
                yield return frames;
        }

        var since = position.Until ?? position.Since;
        var missed = await events.OfTopic(stream.Topic!, since, until, options.Value.ReplayLimit + 1, ct);
        if (missed.Count > options.Value.ReplayLimit)
        {
            yield return [EventFrame.Reset(0, until)];
            yield break;
        }

        await foreach (var frames in Frames(missed, seen: 0, since, until, ct))
            yield return frames;
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
        for (var i = 0; i < found.Count; i++)
        {
            if (found[i].Version != after + 1 + i)
                return null;
        }

        return found.Count <= limit && after + found.Count >= current ? found : null;
    }

    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Frames(IReadOnlyList<ThreadEvent> missed, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var chunk in ThreadEvent.Coalesce(missed).Chunk(Chunk))
            yield return [.. chunk.Zip(await events.Render(chunk, ct), (happened, body) => new EventFrame(happened.Version, null, body))];
    }

    private async IAsyncEnumerable<IReadOnlyList<EventFrame>> Frames(
        IReadOnlyList<ThreadEvent> all, int seen, string since, string until, [EnumeratorCancellation] CancellationToken ct)
    {
        foreach (var chunk in ThreadEvent.Coalesce([.. all.Skip(seen)]).Chunk(Chunk))
        {
            var bodies = new Dictionary<(long, long), ReadOnlyMemory<byte>>();
            foreach (var (happened, body) in chunk.Zip(await events.Render(chunk, ct)))
                bodies.Add(happened.Key, body);
            yield return OfTopic(all, seen, since, until, bodies);
        }
    }
}
