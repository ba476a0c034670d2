using System.Diagnostics;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>A process of its own that uses the private server of a directory.</summary>
internal sealed class OtherProcess : IDisposable
{
    private readonly Process _process;

    private OtherProcess(string directory) =>
        _process = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "ClosureTable.PostgresUser.dll"), directory])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

    public static OtherProcess Run(TemporaryDirectory directory) => new(directory.Path);

    /// <summary>Whether it started the server, and how it connects; once it has it.</summary>
    public async Task<(bool Started, string ConnectionString)> HasServer()
    {
        var line = await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.NotNull(line);
        var (verb, connectionString) = (line.Split(' ')[0], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]);
        return (verb switch { "started" => true, "adopted" => false, _ => throw new InvalidOperationException(line) }, connectionString);
    }

    /// <summary>Lets it give up the server and end, as a service does when it is asked to.</summary>
    public async Task Leave()
    {
        _process.StandardInput.Close();
        Assert.Equal("left", await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>SIGKILL: it has no say in it.</summary>
    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }
}
