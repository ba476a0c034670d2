using System.CommandLine;

namespace ClosureTable.Api.Commands;

internal static class MigrateCommand
{
    public static Command Create()
    {
        var status = new Option<bool>("--status") { Description = "List the scripts and whether they have been applied; change nothing." };
        return new Command("migrate", "Upgrade the database's schema to this build's.") { status }.OnDatabase(async (command, ct) =>
        {
            if (!command.Line.GetValue(status))
                command.Migrations.Apply();
            foreach (var script in await command.Migrations.Status(ct))
                command.Output.WriteLine($"{(script.Applied ? "applied" : "pending")}  {script.Script}");
            return 0;
        });
    }
}
