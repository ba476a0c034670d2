using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Live;

/// <summary>Sends heartbeats to a share of the idle streams each second. One timer for all uses less memory than one per stream.</summary>
internal sealed class Heartbeats(EventStreams streams, IOptions<LiveOptions> options) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var turns = Math.Max(1, (int)options.Value.Heartbeat.TotalSeconds);
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1));
        for (var turn = 0; await timer.WaitForNextTickAsync(stoppingToken); turn = (turn + 1) % turns)
            streams.Beat(turn, turns);
    }
}
