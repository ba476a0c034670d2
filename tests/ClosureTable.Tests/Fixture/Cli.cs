using System.Diagnostics;
using ClosureTable.Api.Accounts;

namespace ClosureTable.Tests.Fixture;

/// <summary>The program as an operator runs it: a process of its own, with the settings that the test names in its environment.</summary>
internal static class Cli
{
    public static async Task<(int ExitCode, string Output, string Error)> Run(string connectionString, string[] args, params (string Variable, string? Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(Program).Assembly.Location, .. args])
        {
            WorkingDirectory = Path.GetDirectoryName(typeof(Program).Assembly.Location),
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["ConnectionStrings__Comments"] = connectionString, ["ASPNETCORE_ENVIRONMENT"] = "Production", ["DOTNET_ENVIRONMENT"] = "Production" },
        };
        start.Environment.Remove($"{AuthenticationOptions.Section}__SigningKey");
        foreach (var (variable, value) in environment)
            start.Environment[variable] = value;

        using var process = Process.Start(start)!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(5));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
            var error = process.StandardError.ReadToEndAsync(deadline.Token);
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
