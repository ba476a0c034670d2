using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using CliWrap;
using CliWrap.Buffered;
using ClosureTable.Api.Data;

namespace ClosureTable.Bench;

/// <summary>The published service in a separate process, on a loopback port chosen by the kernel.</summary>
internal sealed class PublishedService : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Process process;
    private int stopped;

    private PublishedService(Process process, Uri address, TimeSpan startUp) => (this.process, Address, StartUp) = (process, address, startUp);

    public Uri Address { get; }

    /// <summary>From the start of the process to the first 200 from <c>/health/ready</c>.</summary>
    public TimeSpan StartUp { get; }

    public int ProcessId => process.Id;

    /// <summary>
    /// Publishes for this machine, compiled ahead of time (ReadyToRun), from a copy of the sources, because such a
    /// build has a different lock file and intermediate files than the portable one.
    /// </summary>
    /// <returns>The assembly to run.</returns>
    public static async Task<string> Publish(string directory, CancellationToken ct)
    {
        var assembly = Path.Combine(directory, "service", "ClosureTable.Api.dll");
        if (File.Exists(assembly))
            return assembly;
        var (repository, sources) = (RepositoryRoot(), Path.Combine(directory, "sources"));
        var files = await Cli.Wrap("git")
            .WithArguments(["-C", repository, "ls-files", "--cached", "--others", "--exclude-standard", "*.props", "global.json", "db", "src"])
            .ExecuteBufferedAsync(ct);
        foreach (var file in files.StandardOutput.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(file => !file.EndsWith("packages.lock.json", StringComparison.Ordinal)))
        {
            var copy = Path.Combine(sources, file);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (File.Exists(Path.Combine(repository, file)))
                File.Copy(Path.Combine(repository, file), copy);
        }

        await Cli.Wrap("dotnet")
            .WithArguments([
                "publish", Path.Combine(sources, "src", "ClosureTable.Api"), "--configuration", "Release",
                "--runtime", RuntimeInformation.RuntimeIdentifier, "--no-self-contained", "-p:PublishReadyToRun=true", "-p:RunAnalyzers=false",
                "--output", Path.GetDirectoryName(assembly)!, "--nologo", "--verbosity", "quiet",
            ])
            .WithEnvironmentVariables(environment => environment.Set("DOTNET_CLI_USE_MSBUILD_SERVER", "0").Set("MSBUILDDISABLENODEREUSE", "1"))
            .WithStandardOutputPipe(PipeTarget.ToDelegate(Console.Error.WriteLine))
            .ExecuteAsync(ct);
        return assembly;
    }

    /// <param name="assembly">The result of <see cref="Publish"/>.</param>
    /// <param name="settings">Configuration, as environment variables.</param>
    public static async Task<PublishedService> Start(string assembly, IReadOnlyDictionary<string, string> settings, CancellationToken ct)
    {
        var start = new ProcessStartInfo("dotnet", [assembly])
        {
            WorkingDirectory = Path.GetDirectoryName(assembly)!,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["Urls"] = "http://127.0.0.1:0";
        foreach (var (name, value) in settings)
            start.Environment[name] = value;

        var begun = Stopwatch.GetTimestamp();
        var process = Process.Start(start) ?? throw new InvalidOperationException("The service did not start.");
        try
        {
            var address = new TaskCompletionSource<Uri>(TaskCreationOptions.RunContinuationsAsynchronously);
            var output = new System.Collections.Concurrent.ConcurrentQueue<string>();
            process.OutputDataReceived += (_, line) => Said(line.Data);
            process.ErrorDataReceived += (_, line) => Said(line.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            process.EnableRaisingEvents = true;
            process.Exited += (_, _) => address.TrySetException(new InvalidOperationException($"The service ended: {string.Join('\n', output)}"));
            var at = await address.Task.WaitAsync(Patience, ct);
            await Ready(at, ct);
            return new PublishedService(process, at, Stopwatch.GetElapsedTime(begun));

            void Said(string? line)
            {
                const string Listening = "Now listening on: ";
                if (line is null)
                    return;
                output.Enqueue(line);
                // A line of text, or a string in a line of JSON.
                if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var found)
                    address.TrySetResult(new Uri(line[(found + Listening.Length)..].Split('"')[0].Trim()));
            }
        }
        catch
        {
            process.Kill();
            process.Dispose();
            throw;
        }
    }

    private static async Task Ready(Uri address, CancellationToken ct)
    {
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address };
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < Patience)
        {
            using var answer = await client.GetAsync("/health/ready", ct);
            if (answer.StatusCode == HttpStatusCode.OK)
                return;
            await Task.Delay(5, ct);
        }

        throw new TimeoutException("The service was not ready in time.");
    }

    private static string RepositoryRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "ClosureTable.sln")))
                return directory.FullName;
        }

        throw new InvalidOperationException("This program publishes the service from its sources: run it within the repository.");
    }

    /// <summary>Stops it with SIGTERM, as an operator would.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref stopped, 1) == 1)
            return;
        if (!process.HasExited)
        {
            using var interrupt = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                process.Kill();
            }
        }

        process.Dispose();
    }
}
