namespace ClosureTable.Bench;

/// <summary>One run of one contender: its rate, and the CPU time per request of each process.</summary>
/// <param name="PostgresMicroseconds">CPU time of all PostgreSQL processes.</param>
/// <param name="DriverMicroseconds">CPU time of wrk, pgbench or this program.</param>
internal sealed record Sample(
    double PerSecond, double P50Milliseconds, double P99Milliseconds,
    double ServiceMicroseconds, double PostgresMicroseconds, double DriverMicroseconds, long Failed);

/// <summary>One of the programs or configurations that a scenario compares.</summary>
/// <param name="Run">Runs it for the given time.</param>
internal sealed record Side(string Name, Func<TimeSpan, CancellationToken, Task<Sample>> Run);

/// <summary>A target ratio: the first contender's rate by the other's, or the other's p99 by the first's.</summary>
/// <param name="Against">The name of another contender, or of <see cref="Recorded"/>.</param>
/// <param name="Recorded">A rate recorded with the same harness on a machine of the same kind; null for another contender.</param>
internal sealed record Target(string Against, double AtLeast, double? Recorded = null, bool ByP99 = false);

/// <summary>A load and its contenders, which alternate; the first one is the service.</summary>
internal sealed record Scenario(string Name, string What, IReadOnlyList<Side> Sides, IReadOnlyList<Target> Targets);

/// <summary>A single measurement with its target.</summary>
internal sealed record Figure(string Name, string Value, string Target, bool Reached);
