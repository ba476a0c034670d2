using System.CommandLine;
using ClosureTable.Api.Commands.Integrity;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>Checks redundant data for consistency while the service is running.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var thread = ThreadOption();
        var command = new Command("verify", "Check every invariant of the threads without blocking writes; exit with 1 if one is violated.") { thread };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            var report = new Report(output);
            var verification = new Verification(services.GetRequiredService<NpgsqlDataSource>());
            report.Close(await verification.Run(result.GetValue(thread), report.Found, report.Passed, ct));
            return report.Violations == 0 ? 0 : 1;
        }, ct));
        return command;
    }

    public static Option<long?> ThreadOption() => new("--thread") { Description = "Only the thread with this root id." };
}
