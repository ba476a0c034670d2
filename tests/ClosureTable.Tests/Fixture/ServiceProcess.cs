using System.Diagnostics;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Fixture;

/// <summary>
/// The service as a process of its own, in Production: what is counted once a process, or written to its console, is
/// not mixed with that of the other instances of the tests.
/// </summary>
internal sealed class ServiceProcess : IAsyncDisposable
{
    private readonly Process process;

    private ServiceProcess(Process process) => this.process = process;

    public HttpClient Client { get; } = new();

    /// <summary>What it wrote until it listened, a JSON object a line.</summary>
    public List<JsonElement> Lines { get; } = [];

    public static async Task<ServiceProcess> Start(string connectionString, params (string Variable, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Program).Assembly.Location, "serve", "--urls", "http://127.0.0.1:0"])
        {
            WorkingDirectory = Path.GetDirectoryName(typeof(Program).Assembly.Location),
            RedirectStandardOutput = true,
            Environment =
            {
                ["ConnectionStrings__Comments"] = connectionString, ["Authentication__SigningKey"] = ServiceFixture.SigningKey,
                ["ASPNETCORE_ENVIRONMENT"] = "Production", ["DOTNET_ENVIRONMENT"] = "Production",
            },
        };
        foreach (var (variable, value) in environment)
            start.Environment[variable] = value;
        var service = new ServiceProcess(Process.Start(start)!);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            await service.UntilItListens(deadline.Token);
            return service;
        }
        catch
        {
            await service.DisposeAsync();
            throw;
        }
    }

    private async Task UntilItListens(CancellationToken ct)
    {
        const string Announcement = "Now listening on: ";
        while (await process.StandardOutput.ReadLineAsync(ct) is { } line)
        {
            Lines.Add(JsonSerializer.Deserialize<JsonElement>(line));
            if (!Lines[^1].Text("Message").StartsWith(Announcement, StringComparison.Ordinal))
                continue;
            Client.BaseAddress = new(Lines[^1].Text("Message")[Announcement.Length..]);
            // The output is no longer read, and a full pipe would stop the service.
            _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
            return;
        }

        throw new InvalidOperationException("The service did not start.");
    }

    /// <summary>SIGKILL: it has no say in it.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
    }

    /// <summary>SIGTERM, as an orchestrator sends it.</summary>
    /// <returns>The exit code, once it has ended.</returns>
    public async Task<int> Stop()
    {
        await CliWrap.Cli.Wrap("/bin/sh").WithArguments(["-c", "kill -TERM $0", $"{process.Id}"]).ExecuteAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
    }
}
