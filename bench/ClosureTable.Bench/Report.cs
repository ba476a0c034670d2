using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using ClosureTable.Api.Commands.Integrity;

namespace ClosureTable.Bench;

/// <summary>The results as Markdown: medians, ranges, and ratios of consecutive runs.</summary>
internal sealed class Report(RunOptions options, string driver)
{
    private readonly StringBuilder loads = new();
    private readonly StringBuilder targets = new();
    private readonly StringBuilder figures = new();

    /// <param name="samples">By contender, then by repeat.</param>
    public void Add(Scenario scenario, IReadOnlyList<IReadOnlyList<Sample>> samples)
    {
        for (var side = 0; side < scenario.Sides.Count; side++)
        {
            var runs = samples[side];
            var failed = runs.Sum(run => run.Failed);
            Line(loads, $"| {(side == 0 ? $"**{scenario.Name}** {scenario.What}" : "")} | {scenario.Sides[side].Name} | {Rate(Median(runs, run => run.PerSecond))} | {Rate(runs.Min(run => run.PerSecond))} to {Rate(runs.Max(run => run.PerSecond))} | {Milliseconds(Median(runs, run => run.P50Milliseconds))} | {Milliseconds(Median(runs, run => run.P99Milliseconds))} | {Microseconds(Median(runs, run => run.ServiceMicroseconds))} | {Microseconds(Median(runs, run => run.PostgresMicroseconds))} | {Microseconds(Median(runs, run => run.DriverMicroseconds))} |{(failed > 0 ? $" **{failed} failed**" : "")}");
        }

        foreach (var target in scenario.Targets)
        {
            var other = scenario.Sides.ToList().FindIndex(side => side.Name == target.Against);
            var ratio = Median(Enumerable.Range(0, samples[0].Count).Select(run =>
                target.ByP99 ? samples[other][run].P99Milliseconds / samples[0][run].P99Milliseconds
                : samples[0][run].PerSecond / (target.Recorded ?? samples[other][run].PerSecond)));
            var what = target.ByP99 ? "p99 against" : "rate against";
            Line(targets, $"| {scenario.Name} | {what} {target.Against}{(target.Recorded is { } recorded ? $" ({Rate(recorded)}/s, recorded)" : "")} | {target.AtLeast:0.##} | {ratio:0.00} | {(ratio >= target.AtLeast ? "yes" : "**no**")} |");
        }
    }

    public void Add(Figure figure) => Line(figures, $"| {figure.Name} | {figure.Target} | {figure.Value} | {(figure.Reached ? "yes" : "**no**")} |");

    public override string ToString()
    {
        var report = new StringBuilder();
        Line(report, $"Measured {DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC on {Environment.ProcessorCount} cores ({Processor()}), {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}. {driver}, {options.Connections} connections, all on this machine; {options.Repeats} runs of {options.Seconds} s a side, the sides in turn. Medians.");
        if (loads.Length > 0)
            Line(report, $"\n| scenario | | /s | range | p50 ms | p99 ms | CPU µs per request: service | PostgreSQL | driver |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n{loads}");
        if (targets.Length > 0)
            Line(report, $"| scenario | ratio | target | actual | reached |\n|---|---|---:|---:|---|\n{targets}");
        if (figures.Length > 0)
            Line(report, $"| figure | target | actual | reached |\n|---|---:|---:|---|\n{figures}");
        return report.ToString();
    }

    private static double Median(IReadOnlyList<Sample> runs, Func<Sample, double> value) => Median(runs.Select(value));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Rate(double perSecond) => perSecond.ToString(perSecond < 100 ? "0.0" : "N0", CultureInfo.InvariantCulture);

    private static string Milliseconds(double milliseconds) => double.IsNaN(milliseconds) ? "" : milliseconds.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Microseconds(double microseconds) => double.IsNaN(microseconds) ? "" : microseconds.ToString("N0", CultureInfo.InvariantCulture);

    private static string Processor() =>
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "unknown";

    private static void Line(StringBuilder to, FormattableString line) => to.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
