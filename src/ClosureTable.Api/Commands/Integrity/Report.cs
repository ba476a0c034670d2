using System.Diagnostics;
using System.Globalization;

namespace ClosureTable.Api.Commands.Integrity;

internal sealed class Report(TextWriter output)
{
    /// <summary>Violations of one invariant that are printed in full; further ones are only counted.</summary>
    private const int Shown = 100;

    private readonly Dictionary<string, int> counts = [];
    private readonly HashSet<long> threads = [];
    private long lastProgress = Stopwatch.GetTimestamp();

    public int Violations => counts.Values.Sum();

    public void Found(Violation violation)
    {
        var count = counts[violation.Invariant] = counts.GetValueOrDefault(violation.Invariant) + 1;
        if (violation.RootId is { } rootId)
            threads.Add(rootId);
        if (count <= Shown)
            output.WriteLine(violation);
    }

    public void Passed(Progress progress)
    {
        if (progress.Comments == progress.Of || Stopwatch.GetElapsedTime(lastProgress) < TimeSpan.FromSeconds(2))
            return;
        lastProgress = Stopwatch.GetTimestamp();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"… {progress.Comments:N0} of {progress.Of:N0} comments"));
    }

    public void Close(long comments)
    {
        foreach (var (invariant, count) in counts.Where(pair => pair.Value > Shown))
            output.WriteLine($"{invariant}: {count - Shown} more");
        output.WriteLine(Violations == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{comments:N0} comments: all invariants hold.")
            : string.Create(CultureInfo.InvariantCulture, $"{comments:N0} comments: {Violations:N0} violations in {threads.Count:N0} threads."));
    }
}
