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
    private readonly Dictionary<long, HashSet<EventStream>> threads = [];
    private readonly Dictionary<string, HashSet<EventStream>> topics = [];
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

        Instruments.StreamOpened();
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
            Instruments.StreamClosed();
            joining.Remove(stream);
            if (--perClient[stream.Client] == 0)
                perClient.Remove(stream.Client);
            if (stream.Topic is { } topic)
                Remove(topics, topic);
            else
                Remove(threads, stream.RootId);
        }

        void Remove<TKey>(Dictionary<TKey, HashSet<EventStream>> watched, TKey key)
            where TKey : notnull
        {
            if (watched.TryGetValue(key, out var feed) && feed.Remove(stream) && feed.Count == 0)
                watched.Remove(key);
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
            foreach (var stream in newcomers)
            {
                // It may have left while it waited.
                if (!open.Contains(stream))
                    continue;
                if (stream.Topic is { } topic)
                    Add(topics, topic, stream);
                else
                    Add(threads, stream.RootId, stream);
                stream.Joined.TrySetResult(snapshot);
            }
        }

        static void Add<TKey>(Dictionary<TKey, HashSet<EventStream>> watched, TKey key, EventStream stream)
            where TKey : notnull
        {
            if (!watched.TryGetValue(key, out var feed))
                watched[key] = feed = [];
            feed.Add(stream);
        }
    }

    public bool IsWatched(ThreadEvent happened)
    {
        lock (gate)
            return threads.ContainsKey(happened.RootId) || happened.Topic is { } topic && topics.ContainsKey(topic);
    }

    /// <summary>The comments at which the streams of a thread were opened.</summary>
    public long[] OpenedAt(long rootId)
    {
        lock (gate)
            return threads.TryGetValue(rootId, out var feed) ? [.. feed.Select(stream => stream.CommentId).Distinct()] : [];
    }

    public void ToThread(long rootId, IReadOnlyList<EventFrame> frames)
    {
        lock (gate)
        {
            if (threads.TryGetValue(rootId, out var feed))
                Offer(feed, frames);
        }
    }

    public void ToTopic(string topic, IReadOnlyList<EventFrame> frames)
    {
        lock (gate)
        {
            if (topics.TryGetValue(topic, out var feed))
                Offer(feed, frames);
        }
    }

    /// <summary>Ends the streams that were opened at a comment that has left the thread.</summary>
    public void EndDeparted(long rootId, HashSet<long> stillThere)
    {
        lock (gate)
        {
            if (!threads.TryGetValue(rootId, out var feed))
                return;
            foreach (var stream in feed)
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

    private static void Offer(HashSet<EventStream> feed, IReadOnlyList<EventFrame> frames)
    {
        foreach (var stream in feed)
            stream.Offer(frames);
    }
}
