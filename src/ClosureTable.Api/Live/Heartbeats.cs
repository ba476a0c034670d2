using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Live;

/// <summary>Keeps quiet streams alive, a part of them each second. One timer for all: ten thousand would be memory.</summary>
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
