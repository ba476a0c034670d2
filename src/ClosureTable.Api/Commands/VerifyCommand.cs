using System.CommandLine;
using ClosureTable.Api.Commands.Integrity;

namespace ClosureTable.Api.Commands;

/// <summary>Checks that redundant data agree, beside a running service.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var thread = ThreadOption();
        return new Command("verify", "Check every invariant of the threads without blocking writes; exit with 1 if one is violated.")
        {
            thread,
        }.OnDatabase(async (command, ct) =>
        {
            var report = new Report(command.Output);
            report.Close(await new Verification(command.Primary).Run(command.Line.GetValue(thread), report.Found, report.Passed, ct));
            return report.Violations == 0 ? 0 : 1;
        });
    }

    public static Option<long?> ThreadOption() => new("--thread") { Description = "Only the thread with this root id." };
}
