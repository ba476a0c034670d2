using System.Diagnostics;
using System.Globalization;
using System.Runtime.CompilerServices;
using ClosureTable.Api.Comments;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Bench;

/// <summary>Single measurements: start times, memory, the largest thread, lost likes.</summary>
internal static class Figures
{
    public static async IAsyncEnumerable<Figure> Measure(Stage stage, [EnumeratorCancellation] CancellationToken ct)
    {
        if (stage.Options.Wants("start"))
        {
            var warm = await Starts(stage, stage.ConnectionString, 5, ct);
            yield return Figure("start, existing database", warm, "s", "under 1 s", warm < 1);
            var fresh = await Starts(stage, null, 1, ct);
            yield return Figure("start, new private PostgreSQL", fresh, "s", "under 5 s", fresh < 5);
        }

        if (stage.Options.Wants("like"))
        {
            var (counted, rows) = (
                await stage.Ask<long>("select like_count from comments_comments where id = @id", new { id = stage.Store.Liked }),
                await stage.Ask<long>("select count(*) from comments_likes where comment_id = @id", new { id = stage.Store.Liked }));
            yield return Figure("likes: stored count minus rows", counted - rows, "", "0", counted == rows);
        }

        if (stage.Options.Wants("idle"))
        {
            await using var service = await stage.Serve(stage.ConnectionString, ct);
            yield return Figure("idle memory after start", Processes.ResidentMegabytes(service.ProcessId), "MB", "", true);
        }

        if (stage.Options.Wants("large"))
        {
            await foreach (var figure in Large(stage, ct))
                yield return figure;
        }

        if (stage.Options.Wants("streams"))
        {
            await foreach (var figure in IdleStreams.Measure(stage, ct))
                yield return figure;
        }
    }

    /// <summary>The median start; each service is stopped before the next one starts.</summary>
    private static async Task<double> Starts(Stage stage, string? connectionString, int count, CancellationToken ct)
    {
        var took = new List<double>();
        for (var start = 0; start < count; start++)
        {
            await using var service = await stage.Serve(
                connectionString, ct, ("LocalPostgres__DataDirectory", Path.Combine(stage.Directory, $"fresh-{start}")));
            took.Add(service.StartUp.TotalSeconds);
        }

        return took.Order().ElementAt(count / 2);
    }

    private static async IAsyncEnumerable<Figure> Large(Stage stage, [EnumeratorCancellation] CancellationToken ct)
    {
        const int Readers = 8;
        var path = $"/comments/{stage.Store.Of50000}?limit=100000";
        await using var service = await stage.Serve(stage.ConnectionString, ct);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = service.Address };
        await Read();

        var alone = new List<double>();
        var database = new List<double>();
        for (var repeat = 0; repeat < 5; repeat++)
        {
            alone.Add((await Read()).FirstByte);
            database.Add(await ReadRows(stage, ct));
        }

        var beyond = alone.Order().ElementAt(2) - database.Order().ElementAt(2);
        yield return Figure("50,000 comments in one response: first byte after the database's last row", beyond, "ms", "under 100 ms", beyond < 100);

        Processes.ResetPeak(service.ProcessId);
        var megabytes = (await Task.WhenAll(Enumerable.Range(0, Readers).Select(_ => Read()))).Sum(read => read.Bytes) / 1e6;
        var peak = Processes.PeakMegabytes(service.ProcessId);
        yield return Figure(
            string.Create(CultureInfo.InvariantCulture, $"50,000 whole, {Readers} at once ({megabytes:0} MB of answers): peak memory"), peak, "MB", "under 250 MB", peak < 250);

        async Task<(double FirstByte, long Bytes)> Read()
        {
            var begun = Stopwatch.GetTimestamp();
            using var answer = await client.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, ct);
            answer.EnsureSuccessStatusCode();
            await using var body = await answer.Content.ReadAsStreamAsync(ct);
            var buffer = new byte[64 * 1024];
            long bytes = await body.ReadAsync(buffer, ct);
            var firstByte = Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
            for (int read; (read = await body.ReadAsync(buffer, ct)) > 0;)
                bytes += read;
            return (firstByte, bytes);
        }
    }

    /// <summary>How long the database takes to send the rows, in milliseconds; they are discarded.</summary>
    private static async Task<double> ReadRows(Stage stage, CancellationToken ct)
    {
        await using var connection = await stage.Source.OpenConnectionAsync(ct);
        await using var command = new NpgsqlCommand(ThreadRepository.WholeThread, connection)
        {
            Parameters = { new("id", stage.Store.Of50000), new("limit", 100_000), new("caller", NpgsqlDbType.Bigint) { Value = DBNull.Value } },
        };
        await command.PrepareAsync(ct);
        var begun = Stopwatch.GetTimestamp();
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
        {
        }

        return Stopwatch.GetElapsedTime(begun).TotalMilliseconds;
    }

    private static Figure Figure(string name, double value, string unit, string target, bool reached) =>
        new(name, string.Create(CultureInfo.InvariantCulture, $"{value:0.##} {unit}").Trim(), target, reached);
}
