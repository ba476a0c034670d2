using ClosureTable.Api.Commands.Integrity;

namespace ClosureTable.Bench;

/// <summary>The whole of it: set the stage, warm up, let the sides of each scenario take turns, report.</summary>
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
        // Code is compiled, statements are prepared, shared memory is touched by every process of PostgreSQL: not what is measured.
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
