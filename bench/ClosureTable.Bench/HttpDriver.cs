using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using ClosureTable.Api.Commands.Seeding;

namespace ClosureTable.Bench;

/// <summary>
/// For machines without wrk: .NET's client, in this process. It uses more of the shared CPU, so compare its figures only with its own.
/// </summary>
internal static class HttpDriver
{
    public static async Task<(Load Load, TimeSpan CpuTime)> Run(
        Uri service, IReadOnlyList<Request> requests, int connections, TimeSpan duration, CancellationToken ct)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = connections, UseProxy = false, UseCookies = false, AllowAutoRedirect = false };
        using var client = new HttpClient(handler) { BaseAddress = service };
        using var end = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var cpuTime = Processes.CpuTime(Environment.ProcessId);
        var begun = Stopwatch.GetTimestamp();
        end.CancelAfter(duration);
        var connectionsDone = await Task.WhenAll(Enumerable.Range(0, connections).Select(connection =>
            Task.Run(() => Send(client, requests, requests.Count * connection / connections, end.Token), ct)));
        ct.ThrowIfCancellationRequested();
        var took = Stopwatch.GetElapsedTime(begun);
        var latencies = connectionsDone.SelectMany(done => done.Latencies).ToArray();
        Array.Sort(latencies);
        var load = new Load(
            latencies.Length, connectionsDone.Sum(done => done.Failed), took, Percentile(latencies, 0.5), Percentile(latencies, 0.99));
        return (load, Processes.CpuTime(Environment.ProcessId) - cpuTime);
    }

    private static async Task<(List<double> Latencies, long Failed)> Send(HttpClient client, IReadOnlyList<Request> requests, int at, CancellationToken ct)
    {
        var latencies = new List<double>();
        var failed = 0L;
        while (true)
        {
            var begun = Stopwatch.GetTimestamp();
            try
            {
                using var message = Message(requests[at++ % requests.Count]);
                using var answer = await client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, ct);
                await answer.Content.CopyToAsync(Stream.Null, ct);
                failed += answer.IsSuccessStatusCode ? 0 : 1;
            }
            catch (OperationCanceledException)
            {
                return (latencies, failed);
            }
            catch (HttpRequestException)
            {
                failed++;
            }

            latencies.Add(Stopwatch.GetElapsedTime(begun).TotalMilliseconds);
        }
    }

    private static HttpRequestMessage Message(Request request)
    {
        var message = new HttpRequestMessage(new HttpMethod(request.Method), request.Path);
        if (request.Token is not null)
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", request.Token);
        if (request.Body is not null)
            message.Content = new StringContent(request.Body, Encoding.UTF8, "application/json");
        return message;
    }

    /// <param name="sorted">In ascending order.</param>
    public static double Percentile(double[] sorted, double share) =>
        sorted.Length == 0 ? double.NaN : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}
