using ClosureTable.Api.Commands.Seeding;

namespace ClosureTable.Bench;

/// <summary>A request that a driver sends again and again.</summary>
/// <param name="Token">The access token of the caller; null for nobody.</param>
/// <param name="Body">JSON; null without a body.</param>
internal sealed record Request(string Method, string Path, string? Token = null, string? Body = null)
{
    public static Request Get(string path, string? token = null) => new("GET", path, token);
}

/// <summary>What a driver saw, sending requests over some connections for some time.</summary>
/// <param name="Failed">Answers other than 2xx, and broken connections.</param>
internal sealed record Load(long Requests, long Failed, TimeSpan Took, double P50Milliseconds, double P99Milliseconds);

/// <summary>Sends requests in turn, each connection one after the other, as fast as the answers come.</summary>
/// <param name="CpuTime">That the driver used.</param>
internal delegate Task<(Load Load, TimeSpan CpuTime)> Driver(
    Uri service, IReadOnlyList<Request> requests, int connections, TimeSpan duration, CancellationToken ct);
