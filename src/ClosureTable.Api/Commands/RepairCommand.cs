using System.CommandLine;
using ClosureTable.Api.Commands.Integrity;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>Rebuilds inconsistent data from the parents.</summary>
internal static class RepairCommand
{
    public static Command Create()
    {
        var thread = VerifyCommand.ThreadOption();
        var command = new Command("repair",
            "Rebuild tree and counts of damaged threads from the parents, a transaction each, and say what was changed. " +
            "Of a cycle the oldest comment, and a comment whose parent does not exist, becomes a thread of its own. Exit with 1 where something remains.") { thread };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            var (threads, remaining) = (0, 0);
            await new Repair(services.GetRequiredService<NpgsqlDataSource>()).Run(
                result.GetValue(thread),
                change =>
                {
                    threads++;
                    output.WriteLine(change);
                },
                violation =>
                {
                    remaining++;
                    output.WriteLine($"remains: {violation}");
                }, ct);
            output.WriteLine(threads == 0 ? "Nothing to repair." : remaining == 0 ? "All invariants hold again." : $"{remaining} violations remain.");
            return remaining == 0 ? 0 : 1;
        }, ct));
        return command;
    }
}
