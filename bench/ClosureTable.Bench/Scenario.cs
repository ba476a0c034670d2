namespace ClosureTable.Bench;

/// <summary>One run of one side: what came through, and what it cost each process, a request.</summary>
/// <param name="PostgresMicroseconds">CPU time of all of PostgreSQL's processes.</param>
/// <param name="DriverMicroseconds">CPU time of wrk, pgbench or this program.</param>
internal sealed record Sample(
    double PerSecond, double P50Milliseconds, double P99Milliseconds,
    double ServiceMicroseconds, double PostgresMicroseconds, double DriverMicroseconds, long Failed);

/// <summary>One of those that are measured against each other.</summary>
/// <param name="Run">Runs it for so long.</param>
internal sealed record Side(string Name, Func<TimeSpan, CancellationToken, Task<Sample>> Run);

/// <summary>What is to be reached, as a ratio: the first side's rate by the other's, or the other's p99 by the first side's.</summary>
/// <param name="Against">The name of another side, or <see cref="Recorded"/>'s.</param>
/// <param name="Recorded">A rate that was measured elsewhere with the same harness on the same kind of machine; null for another side.</param>
internal sealed record Target(string Against, double AtLeast, double? Recorded = null, bool ByP99 = false);

/// <summary>A load, and those that bear it in turns; the first side is what we are about.</summary>
internal sealed record Scenario(string Name, string What, IReadOnlyList<Side> Sides, IReadOnlyList<Target> Targets);

/// <summary>A single figure with its bound.</summary>
internal sealed record Figure(string Name, string Value, string Target, bool Reached);
