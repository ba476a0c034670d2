using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;

namespace ClosureTable.Bench;

/// <summary>The cost of ten thousand idle event streams, and the delay from a POST to its event.</summary>
internal static class IdleStreams
{
    private const int Count = 10_000;
    private const int Writers = 8;

    public static async IAsyncEnumerable<Figure> Measure(Stage stage, [EnumeratorCancellation] CancellationToken ct)
    {
        await using var service = await stage.Serve(
            stage.ConnectionString, ct, ("Live__MaxStreamsPerClient", "1000000"), ("Live__MaxStreams", "1000000"));
        var tokens = await stage.Tokens(Writers, ct);
        var alone = await Latencies(service, tokens, stage.Options.Seconds, ct);
        yield return Latency("", alone);

        var before = Processes.ResidentMegabytes(service.ProcessId);
        var streams = new ConcurrentBag<Socket>();
        try
        {
            // Each stream has its own topic, the worst case: streams of one topic share frames.
            await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 100, CancellationToken = ct }, async (number, token) =>
                streams.Add(await Open(service.Address, $"/topics/events?topic=idle-{number}", token)));
            // One round of heartbeats, so that each stream has written since it was opened.
            await Task.Delay(TimeSpan.FromSeconds(16), ct);
            var cost = Processes.ResidentMegabytes(service.ProcessId) - before;
            yield return new Figure(
                string.Create(CultureInfo.InvariantCulture, $"{Count:N0} idle event streams"),
                string.Create(CultureInfo.InvariantCulture, $"{cost:0} MB beside the {before:0} without, {cost * 1024 / Count:0.0} KB a stream"),
                "under 200 MB", cost < 200);
            yield return Latency(" beside them", await Latencies(service, tokens, stage.Options.Seconds, ct));
        }
        finally
        {
            foreach (var stream in streams)
                stream.Dispose();
        }
    }

    /// <summary>A bare socket, read until the first event.</summary>
    private static async Task<Socket> Open(Uri address, string path, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, ct);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {address.Authority}\r\n\r\n"), ct);
        var buffer = new byte[1024];
        var head = new StringBuilder();
        while (!head.ToString().Contains("\nid: ", StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, ct);
            if (read == 0)
                throw new InvalidOperationException($"No stream: {head}");
            head.Append(Encoding.ASCII.GetString(buffer, 0, read));
        }

        return socket;
    }

    private static Figure Latency(string beside, (List<double> Answers, List<double> Events) took)
    {
        var (answer, happened) = (At(took.Answers, 0.99), At(took.Events, 0.99));
        return new Figure(
            $"POST to event{beside}, {Writers} writers",
            string.Create(CultureInfo.InvariantCulture,
                $"p50 {At(took.Events, 0.5):0.0} ms, p99 {happened:0.0} ms; POST to 201 p50 {At(took.Answers, 0.5):0.0} ms, p99 {answer:0.0} ms"),
            "p99 within 2 × POST to 201", happened <= 2 * answer);

        static double At(List<double> values, double share) => values.Order().ElementAt((int)(values.Count * share));
    }

    /// <summary>Each writer has its own thread and a stream that watches it; both times start at the POST.</summary>
    private static async Task<(List<double> Answers, List<double> Events)> Latencies(
        PublishedService service, IReadOnlyList<string> tokens, int seconds, CancellationToken ct)
    {
        var warmUp = TimeSpan.FromSeconds(1);
        var begun = Stopwatch.GetTimestamp();
        var all = await Task.WhenAll(tokens.Select(Write));
        return ([.. all.SelectMany(times => times.Answers)], [.. all.SelectMany(times => times.Events)]);

        async Task<(List<double> Answers, List<double> Events)> Write(string token)
        {
            using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = service.Address };
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var root = await Post(new { content = "watched" });
            using var stream = await client.GetAsync($"/comments/{root}/events", HttpCompletionOption.ResponseHeadersRead, ct);
            var arrivals = SseParser.Create(await stream.Content.ReadAsStreamAsync(ct)).EnumerateAsync(ct).GetAsyncEnumerator(ct);
            await using var _ = arrivals;
            var (answers, events) = (new List<double>(), new List<double>());
            while (Stopwatch.GetElapsedTime(begun) is var elapsed && elapsed < warmUp + TimeSpan.FromSeconds(seconds))
            {
                var start = Stopwatch.GetTimestamp();
                var arrival = Arrival(start);
                await Post(new { content = "a reply", parent_id = root });
                var answered = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                var arrived = await arrival;
                if (elapsed > warmUp)
                {
                    answers.Add(answered);
                    events.Add(arrived);
                }
            }

            return (answers, events);

            async Task<double> Arrival(long start) => await arrivals.MoveNextAsync()
                ? Stopwatch.GetElapsedTime(start).TotalMilliseconds
                : throw new InvalidOperationException("The stream ended.");

            async Task<long> Post(object body)
            {
                using var answer = await client.PostAsJsonAsync("/comments", body, ct);
                answer.EnsureSuccessStatusCode();
                return (await answer.Content.ReadFromJsonAsync<JsonElement>(ct)).GetProperty("id").GetInt64();
            }
        }
    }
}
