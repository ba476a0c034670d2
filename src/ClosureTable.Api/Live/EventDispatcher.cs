using ClosureTable.Api.Data;
using ClosureTable.Api.Operations;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>
/// Reads new events once per instance, for all streams, on a connection of its own that does not wait for requests. Also notifies the
/// other instances of this one's writes.
/// </summary>
internal sealed class EventDispatcher(
    Database database, EventStreams streams, ThreadNotifier notifier, IOptions<LiveOptions> options,
    GracefulStop stop, ILogger<EventDispatcher> logger) : BackgroundService
{
    /// <summary>Above this number, streams are ended, and each client replays what it missed.</summary>
    private const int MaxEventsAtOnce = 2000;

    /// <summary>The delay between reads: under load, one read covers many writes.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(2);

    // All events visible in this snapshot were delivered; null while there are no streams.
    private string? position;

    /// <summary>The server process of this connection, to ignore this instance's own notifications.</summary>
    public int Backend { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // An open stream would hold up the shutdown until its timeout.
        await using var stopping = stop.Closing.Register(() => streams.EndAll(close: true));
        // The position stays when a connection breaks: the next one continues from it.
        await database.KeepConnected("Reading events", connection => Follow(connection, stoppingToken), stoppingToken);
    }

    private async Task Follow(NpgsqlConnection connection, CancellationToken ct)
    {
        Backend = connection.ProcessID;
        // The wake-up that found the previous connection broken.
        notifier.Wake();
        while (true)
        {
            var committed = await notifier.Wait(options.Value.PollInterval, ct);
            try
            {
                await Read(connection, committed, ct);
            }
            catch when (committed)
            {
                // The notification was not sent; the next connection sends it.
                notifier.Committed();
                throw;
            }

            await Task.Delay(Rest, ct);
        }
    }

    private async Task Read(NpgsqlConnection connection, bool committed, CancellationToken ct)
    {
        var newcomers = streams.TakeJoining();
        try
        {
            if (newcomers.Count == 0 && streams.Count == 0)
            {
                position = null;
                if (committed)
                    await connection.ExecuteAsync(EventRepository.Notify, null, ct);
                return;
            }

            var batch = await EventRepository.Tail(connection, position, committed, MaxEventsAtOnce + 1, ct);
            if (batch.Events.Count > MaxEventsAtOnce)
            {
                logger.LogWarning("More than {Count} events at once: ending all streams, whose clients reconnect and replay.", MaxEventsAtOnce);
                streams.EndAll(close: false);
            }
            else if (batch.Events.Count > 0)
            {
                await Deliver(connection, position!, batch, ct);
            }

            position = batch.Snapshot;
            streams.Admit(newcomers, position);
        }
        catch
        {
            streams.PutBack(newcomers);
            throw;
        }
    }

    /// <summary>
    /// Reads and renders everything before delivering anything, so that after a failed read everything is delivered once by the next.
    /// </summary>
    private async Task Deliver(NpgsqlConnection connection, string since, EventBatch batch, CancellationToken ct)
    {
        var watched = ThreadEvent.Coalesce([.. batch.Events.Where(streams.IsWatched)]);
        if (watched.Count == 0)
            return;
        var bodies = new Dictionary<(long, long), ReadOnlyMemory<byte>>(watched.Count);
        foreach (var chunk in watched.Chunk(EventReplay.Chunk))
        {
            foreach (var (key, body) in await EventRepository.Render(connection, chunk, ct))
                bodies.Add(key, body);
        }

        var departures = new List<(long RootId, HashSet<long> StillThere)>();
        foreach (var rootId in watched.Where(happened => happened.Removes).Select(happened => happened.RootId).Distinct())
        {
            if (streams.OpenedAt(rootId) is { Length: > 0 } ids)
                departures.Add((rootId, await EventRepository.StillIn(connection, rootId, ids, ct)));
        }

        foreach (var thread in watched.GroupBy(happened => happened.RootId))
            streams.Offer((thread.Key, null), [.. thread.Select(happened => new EventFrame(happened.Version, null, bodies[happened.Key]))]);
        foreach (var topic in batch.Events.Where(happened => happened.Topic is not null).GroupBy(happened => happened.Topic!))
            streams.Offer((0, topic.Key), EventReplay.OfTopic([.. topic], seen: 0, since, batch.Snapshot, bodies));
        foreach (var (rootId, stillThere) in departures)
            streams.EndDeparted(rootId, stillThere);
    }
}
