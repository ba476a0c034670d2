using ClosureTable.Api.Http;
using ClosureTable.Api.Operations;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Live;

/// <summary>The open streams of this instance, by what they watch.</summary>
internal sealed class EventStreams(IOptions<LiveOptions> options, ThreadNotifier notifier)
{
    private readonly Lock gate = new();
    private readonly HashSet<EventStream> open = [];
    private readonly Dictionary<string, int> perClient = [];
    private readonly Dictionary<(long RootId, string? Topic), HashSet<EventStream>> watched = [];
    private List<EventStream> joining = [];
    private bool closed;

    /// <summary>The number of streams, including those that are joining.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return open.Count;
        }
    }

    /// <summary>Counts the stream and waits until <see cref="EventDispatcher"/> admits it.</summary>
    /// <returns>The problem if it was refused, else null. The stream leaves by itself after it was executed.</returns>
    public async Task<Problem?> Join(EventStream stream, CancellationToken ct)
    {
        lock (gate)
        {
            if (closed || open.Count >= options.Value.MaxStreams)
                return Problem.StreamsFull;
            var others = perClient.GetValueOrDefault(stream.Client);
            if (others >= options.Value.MaxStreamsPerClient)
                return Problem.TooManyStreams;
            perClient[stream.Client] = others + 1;
            open.Add(stream);
            joining.Add(stream);
        }

        Instruments.StreamsOpen.Add(1);
        notifier.Wake();
        try
        {
            await stream.Joined.Task.WaitAsync(TimeSpan.FromSeconds(10), ct);
            return null;
        }
        catch (Exception exception)
        {
            Leave(stream);
            if (exception is TimeoutException)
                return Problem.Unavailable;
            throw;
        }
    }

    public void Leave(EventStream stream)
    {
        lock (gate)
        {
            if (!open.Remove(stream))
                return;
            Instruments.StreamsOpen.Add(-1);
            joining.Remove(stream);
            if (--perClient[stream.Client] == 0)
                perClient.Remove(stream.Client);
            if (watched.TryGetValue(stream.Watched, out var feed) && feed.Remove(stream) && feed.Count == 0)
                watched.Remove(stream.Watched);
        }
    }

    /// <summary>The joining streams, taken before the read whose snapshot they start with.</summary>
    public List<EventStream> TakeJoining()
    {
        lock (gate)
        {
            var taken = joining;
            joining = [];
            return taken;
        }
    }

    /// <summary>The read failed: they wait for the next one.</summary>
    public void PutBack(List<EventStream> newcomers)
    {
        lock (gate)
            joining.AddRange(newcomers.Where(open.Contains));
    }

    /// <summary>Admits streams: they receive everything delivered from now on.</summary>
    public void Admit(IEnumerable<EventStream> newcomers, string snapshot)
    {
        lock (gate)
        {
            // Some may have left while they waited.
            foreach (var stream in newcomers.Where(open.Contains))
            {
                if (!watched.TryGetValue(stream.Watched, out var feed))
                    watched[stream.Watched] = feed = [];
                feed.Add(stream);
                stream.Joined.TrySetResult(snapshot);
            }
        }
    }

    public bool IsWatched(ThreadEvent happened)
    {
        lock (gate)
            return watched.ContainsKey((happened.RootId, null)) || happened.Topic is { } topic && watched.ContainsKey((0, topic));
    }

    /// <summary>The comments at which the streams of a thread were opened.</summary>
    public long[] OpenedAt(long rootId)
    {
        lock (gate)
            return watched.TryGetValue((rootId, null), out var feed) ? [.. feed.Select(stream => stream.CommentId).Distinct()] : [];
    }

    /// <param name="key">See <see cref="EventStream.Watched"/>.</param>
    public void Offer((long RootId, string? Topic) key, IReadOnlyList<EventFrame> frames)
    {
        lock (gate)
        {
            foreach (var stream in watched.TryGetValue(key, out var feed) ? feed : [])
                stream.Offer(frames);
        }
    }

    /// <summary>Ends the streams that were opened at a comment that has left the thread.</summary>
    public void EndDeparted(long rootId, HashSet<long> stillThere)
    {
        lock (gate)
        {
            foreach (var stream in watched.TryGetValue((rootId, null), out var feed) ? feed : [])
            {
                if (!stillThere.Contains(stream.CommentId))
                    stream.End();
            }
        }
    }

    /// <summary>Sends a heartbeat to the streams whose turn it is, so that not all are written to at once.</summary>
    public void Beat(int turn, int turns)
    {
        lock (gate)
        {
            foreach (var stream in open)
            {
                if ((uint)stream.GetHashCode() % turns == turn)
                    stream.Offer(EventFrame.Heartbeat);
            }
        }
    }

    /// <summary>Ends all streams; their clients resume elsewhere.</summary>
    /// <param name="close">Whether the instance is stopping and accepts no more.</param>
    public void EndAll(bool close)
    {
        lock (gate)
        {
            closed |= close;
            foreach (var stream in open)
                stream.EndNow();
            foreach (var stream in close ? joining : [])
                stream.Joined.TrySetException(new TimeoutException());
        }
    }
}
