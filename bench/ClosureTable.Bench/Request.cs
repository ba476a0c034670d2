using ClosureTable.Api.Commands.Seeding;

namespace ClosureTable.Bench;

/// <summary>A request that a driver sends repeatedly.</summary>
/// <param name="Token">The caller's access token; null for an anonymous caller.</param>
/// <param name="Body">JSON; null without a body.</param>
internal sealed record Request(string Method, string Path, string? Token = null, string? Body = null)
{
    public static Request Get(string path, string? token = null) => new("GET", path, token);
}

/// <summary>The result of a driver's run.</summary>
/// <param name="Failed">Responses other than 2xx, and broken connections.</param>
internal sealed record Load(long Requests, long Failed, TimeSpan Took, double P50Milliseconds, double P99Milliseconds);

/// <summary>Sends requests over several connections, each as fast as its responses arrive.</summary>
/// <param name="CpuTime">The CPU time of the driver.</param>
internal delegate Task<(Load Load, TimeSpan CpuTime)> Driver(
    Uri service, IReadOnlyList<Request> requests, int connections, TimeSpan duration, CancellationToken ct);
