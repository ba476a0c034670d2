using System.Globalization;
using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Bench;

/// <summary>
/// The database alone: pgbench runs the service's own SQL, prepared, over as many connections, without HTTP or rendering: an upper bound
/// for the service.
/// </summary>
internal sealed partial class Pgbench(string program, string connectionString)
{
    private const int Threads = 2;

    /// <summary>Replaces the parameters of Npgsql's SQL with pgbench's variables, renamed as specified.</summary>
    public static string Variables(string sql, params (string Parameter, string Variable)[] names) => Parameter().Replace(
        sql, parameter => ":" + (names.FirstOrDefault(name => name.Parameter == parameter.Groups[1].Value).Variable ?? parameter.Groups[1].Value));

    public async Task<(Load Load, TimeSpan CpuTime)> Run(string script, int connections, TimeSpan duration, CancellationToken ct)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, script, ct);
            var server = new NpgsqlConnectionStringBuilder(connectionString);
            var before = Processes.CpuTimeOfEndedChildren(Environment.ProcessId);
            var result = await Cli.Wrap(program)
                .WithArguments([
                    "--no-vacuum", "--protocol", "prepared", "--client", $"{connections}", "--jobs", $"{Math.Min(Threads, connections)}",
                    "--time", $"{(int)Math.Ceiling(duration.TotalSeconds)}", "--file", file,
                    "--host", server.Host!, "--port", $"{server.Port}", "--username", server.Username!, server.Database!,
                ])
                .WithEnvironmentVariables(environment => environment.Set("PGPASSWORD", server.Password))
                .WithValidation(CommandResultValidation.None)
                .ExecuteBufferedAsync(ct);
            if (result.ExitCode != 0)
                throw new InvalidOperationException($"pgbench failed: {result.StandardError}");
            var cpuTime = Processes.CpuTimeOfEndedChildren(Environment.ProcessId) - before;
            var perSecond = double.Parse(Tps().Match(result.StandardOutput).Groups[1].Value, CultureInfo.InvariantCulture);
            var latency = double.Parse(Latency().Match(result.StandardOutput).Groups[1].Value, CultureInfo.InvariantCulture);
            return (new Load((long)(perSecond * duration.TotalSeconds), 0, duration, latency, double.NaN), cpuTime);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [GeneratedRegex(@"(?<!@)@(\w+)")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"tps = ([\d.]+)")]
    private static partial Regex Tps();

    [GeneratedRegex(@"latency average = ([\d.]+) ms")]
    private static partial Regex Latency();
}
