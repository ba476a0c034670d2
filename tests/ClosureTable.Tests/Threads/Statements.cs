using System.Collections.Concurrent;
using System.Diagnostics;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Threads;

/// <summary>Counts the SQL statements of a request, by what Npgsql tells tracing; statements of other requests have another trace.</summary>
internal sealed class Statements : IDisposable
{
    private readonly ConcurrentDictionary<ActivityTraceId, ConcurrentQueue<string>> statements = new();
    private readonly ActivityListener listener;

    public Statements()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Npgsql" or "Microsoft.AspNetCore",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            // When it stops: the text is not there yet when it starts.
            ActivityStopped = activity =>
            {
                if (activity.Source.Name == "Npgsql" && Text(activity) is { } text && statements.TryGetValue(activity.TraceId, out var trace))
                    trace.Enqueue(text);
            },
        };
        ActivitySource.AddActivityListener(listener);
    }

    private static string? Text(Activity activity) => activity.GetTagItem("db.query.text") as string ?? activity.GetTagItem("db.statement") as string;

    /// <summary>Runs a request under a trace of its own.</summary>
    /// <returns>What it answered, and its statements: a text with several counts as several.</returns>
    public async Task<(T Answer, string[] Sql)> Of<T>(Func<Task<T>> request)
    {
        using var activity = new Activity("test").SetIdFormat(ActivityIdFormat.W3C);
        // Not below the activity of the test run, whose trace every test shares.
        activity.SetParentId(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        activity.Start();
        var trace = statements.GetOrAdd(activity.TraceId, _ => []);
        var answer = await request();
        statements.TryRemove(activity.TraceId, out _);
        return (answer, [.. trace.SelectMany(text => text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))]);
    }

    public void Dispose() => listener.Dispose();
}
