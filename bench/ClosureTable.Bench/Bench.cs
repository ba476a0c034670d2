using ClosureTable.Api.Commands.Integrity;

namespace ClosureTable.Bench;

/// <summary>Prepares the databases and services, warms up, alternates between the contenders of each scenario, and reports.</summary>
internal static class Bench
{
    public static async Task Run(RunOptions options, CancellationToken ct)
    {
        await using var stage = await Stage.SetUp(options, ct);
        var report = new Report(options, WrkDriver.Installed ? "wrk" : ".NET's HTTP client, for want of wrk");
        foreach (var scenario in await Scenarios.Of(stage, ct))
        {
            Stage.Say(scenario.Name);
            report.Add(scenario, await TakeTurns(scenario, options, ct));
        }

        await foreach (var figure in Figures.Measure(stage, ct))
            report.Add(figure);

        Console.WriteLine(report);
        if (options.Output is { } file)
            await File.WriteAllTextAsync(file, report.ToString(), ct);
    }

    private static async Task<IReadOnlyList<IReadOnlyList<Sample>>> TakeTurns(Scenario scenario, RunOptions options, CancellationToken ct)
    {
        // Not measured: JIT compilation, preparing statements, and the first access of each PostgreSQL process to shared memory.
        foreach (var side in scenario.Sides)
            await side.Run(TimeSpan.FromSeconds(options.WarmUpSeconds), ct);
        var samples = scenario.Sides.Select(_ => new List<Sample>()).ToArray();
        for (var repeat = 0; repeat < options.Repeats; repeat++)
        {
            for (var side = 0; side < samples.Length; side++)
                samples[side].Add(await scenario.Sides[side].Run(TimeSpan.FromSeconds(options.Seconds), ct));
        }

        return samples;
    }
}
