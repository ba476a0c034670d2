using ClosureTable.Api.Data;
using ClosureTable.Api.Operations;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>
/// The one reader of new events on this instance, however many streams there are: each ring of the bell, or tick of the slow
/// poll, is one query for everything that came since the last, on a connection of its own, which does not wait in line
/// with requests. Without streams it reads nothing. It also tells the other instances of this one's writes.
/// </summary>
internal sealed class EventDispatcher(
    Database database, EventStreams streams, ThreadNotifier notifier, IOptions<LiveOptions> options,
    GracefulStop stop, ILogger<EventDispatcher> logger) : BackgroundService
{
    /// <summary>More at once than this is read by each client for itself, as far as it wants it.</summary>
    private const int MaxEventsAtOnce = 2000;

    /// <summary>After a read the next waits this long: under load, one read serves what many writes did.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    // Everything visible in this snapshot was brought to the streams; null while there are none.
    private string? position;

    /// <summary>The server process behind the connection: its own notifications are not news to this instance.</summary>
    public int Backend { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A stream would keep a stopping server waiting until its patience ends.
        await using var stopping = stop.Closing.Register(() => streams.EndAll(close: true));
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenOwn(stoppingToken);
                Backend = connection.ProcessID;
                // The ring at which the connection before was found to be broken.
                notifier.Ring();
                while (true)
                {
                    var committed = await notifier.Wait(options.Value.PollInterval, stoppingToken);
                    try
                    {
                        await Read(connection, committed, stoppingToken);
                    }
                    catch when (committed)
                    {
                        // The word that was not sent goes out with the next connection.
                        notifier.Committed();
                        throw;
                    }

                    await Task.Delay(Rest, stoppingToken);
                }
            }
            catch (NpgsqlException exception)
            {
                // The position stays: the next connection goes on where this one was.
                logger.LogWarning("Reading events was interrupted and goes on in a moment: {Reason}", exception.Message);
                await Task.Delay(RetryAfter, stoppingToken);
            }
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
                {
                    await using var notify = new NpgsqlCommand(EventRepository.Notify, connection);
                    await notify.ExecuteNonQueryAsync(ct);
                }

                return;
            }

            var batch = await EventRepository.Tail(connection, position, committed, MaxEventsAtOnce + 1, ct);
            if (batch.Events.Count > MaxEventsAtOnce)
            {
                logger.LogWarning("More than {Count} events at once: all streams are asked to come back and replay.", MaxEventsAtOnce);
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
    /// Everything is read and rendered first and brought then, which nothing can interrupt: a read that fails in the middle
    /// brings all of it the next time, and nothing twice.
    /// </summary>
    private async Task Deliver(NpgsqlConnection connection, string since, EventBatch batch, CancellationToken ct)
    {
        var watched = ThreadEvent.Coalesce([.. batch.Events.Where(streams.IsWatched)]);
        if (watched.Count == 0)
            return;
        var bodies = new Dictionary<(long, long), ReadOnlyMemory<byte>>(watched.Count);
        foreach (var chunk in watched.Chunk(EventReplay.Chunk))
        {
            foreach (var (happened, body) in chunk.Zip(await EventRepository.Render(connection, chunk, ct)))
                bodies.Add(happened.Key, body);
        }

        var departures = new List<(long RootId, HashSet<long> StillThere)>();
        foreach (var rootId in watched.Where(happened => happened.Removes).Select(happened => happened.RootId).Distinct())
        {
            if (streams.OpenedAt(rootId) is { Length: > 0 } ids)
                departures.Add((rootId, await EventRepository.StillIn(connection, rootId, ids, ct)));
        }

        foreach (var thread in watched.GroupBy(happened => happened.RootId))
            streams.ToThread(thread.Key, [.. thread.Select(happened => new EventFrame(happened.Version, null, bodies[happened.Key]))]);
        foreach (var topic in batch.Events.Where(happened => happened.Topic is not null).GroupBy(happened => happened.Topic!))
            streams.ToTopic(topic.Key, EventReplay.OfTopic([.. topic], seen: 0, since, batch.Snapshot, bodies));
        foreach (var (rootId, stillThere) in departures)
            streams.EndDeparted(rootId, stillThere);
    }
}
