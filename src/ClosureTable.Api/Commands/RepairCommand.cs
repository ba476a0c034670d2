using System.CommandLine;
using ClosureTable.Api.Commands.Integrity;

namespace ClosureTable.Api.Commands;

internal static class RepairCommand
{
    public static Command Create()
    {
        var thread = VerifyCommand.ThreadOption();
        return new Command("repair",
            "Rebuild tree and counts of damaged threads from the parents, one transaction for each thread, and print the changes. " +
            "The oldest comment of a cycle, and a comment whose parent does not exist, becomes a thread of its own. Exit with 1 if violations remain.")
        {
            thread,
        }.OnDatabase(async (command, ct) =>
        {
            var (threads, remaining) = (0, 0);
            await new Repair(command.Primary).Run(
                command.Line.GetValue(thread),
                change =>
                {
                    threads++;
                    command.Output.WriteLine(change);
                },
                violation =>
                {
                    remaining++;
                    command.Output.WriteLine($"remains: {violation}");
                }, ct);
            command.Output.WriteLine(threads == 0 ? "Nothing to repair." : remaining == 0 ? "All invariants hold again." : $"{remaining} violations remain.");
            return remaining == 0 ? 0 : 1;
        });
    }
}
