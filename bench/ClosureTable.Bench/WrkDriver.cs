using System.Globalization;
using System.Text;
using System.Text.Json;
using CliWrap;
using CliWrap.Buffered;
using ClosureTable.Api.Commands.Seeding;

namespace ClosureTable.Bench;

/// <summary>wrk, the C program that others used too. It takes the least CPU time from the service on the same machine.</summary>
internal static class WrkDriver
{
    private const int Threads = 2;

    public static bool Installed => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(directory => File.Exists(Path.Combine(directory, "wrk")));

    public static async Task<(Load Load, TimeSpan CpuTime)> Run(
        Uri service, IReadOnlyList<Request> requests, int connections, TimeSpan duration, CancellationToken ct)
    {
        var script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, Script(service, requests), ct);
            var before = ChildrensCpuTime();
            var result = await Cli.Wrap("wrk")
                .WithArguments([
                    "--threads", $"{Math.Min(Threads, connections)}", "--connections", $"{connections}",
                    "--duration", $"{(int)Math.Ceiling(duration.TotalSeconds)}s", "--timeout", "30s", "--script", script, $"{service}",
                ])
                .ExecuteBufferedAsync(ct);
            var cpuTime = ChildrensCpuTime() - before;
            var json = result.StandardOutput.Split('\n').Single(line => line.StartsWith('{'));
            var seen = JsonSerializer.Deserialize<Summary>(json, JsonSerializerOptions.Web)!;
            return (new Load(seen.Requests, seen.Failed, TimeSpan.FromMicroseconds(seen.Duration), seen.P50 / 1000, seen.P99 / 1000), cpuTime);
        }
        finally
        {
            File.Delete(script);
        }
    }

    private static TimeSpan ChildrensCpuTime() => Processes.CpuTimeOfEndedChildren(Environment.ProcessId);

    /// <summary>A single request needs no Lua script. Several are in a table, where each thread starts at a different position.</summary>
    private static string Script(Uri service, IReadOnlyList<Request> requests)
    {
        var script = new StringBuilder();
        script.Append(CultureInfo.InvariantCulture, $$"""
            local requests = {
            {{string.Join(",\n", requests.Select(request => Quote(Raw(service, request))))}}
            }
            local threads = 0
            function setup(thread)
              thread:set("at", math.floor(#requests / {{Threads}} * threads))
              threads = threads + 1
            end
            {{(requests.Count == 1 ? "local only = requests[1]\nfunction request() return only end" : "function request() at = at % #requests + 1; return requests[at] end")}}
            function done(summary, latency)
              local errors = summary.errors
              print(string.format('{"requests":%d,"failed":%d,"duration":%d,"p50":%d,"p99":%d}',
                summary.requests, errors.status + errors.connect + errors.read + errors.write + errors.timeout, summary.duration,
                latency:percentile(50), latency:percentile(99)))
            end

            """);
        return script.ToString();
    }

    private static string Raw(Uri service, Request request)
    {
        var raw = new StringBuilder();
        raw.Append(CultureInfo.InvariantCulture, $"{request.Method} {request.Path} HTTP/1.1\r\nHost: {service.Authority}\r\n");
        if (request.Token is not null)
            raw.Append(CultureInfo.InvariantCulture, $"Authorization: Bearer {request.Token}\r\n");
        if (request.Body is not null)
            raw.Append(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {Encoding.UTF8.GetByteCount(request.Body)}\r\n");
        else if (request.Method is not "GET")
            raw.Append("Content-Length: 0\r\n");
        return raw.Append("\r\n").Append(request.Body).ToString();
    }

    private static string Quote(string text) => new StringBuilder("\"", text.Length + 16)
        .Append(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal))
        .Append('"').ToString();

    /// <param name="Duration">In microseconds, as the percentiles.</param>
    private sealed record Summary(long Requests, long Failed, long Duration, double P50, double P99);
}
