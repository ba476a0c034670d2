using System.CommandLine;
using ClosureTable.Api.Data;

namespace ClosureTable.Api.Commands;

internal static class MigrateCommand
{
    public static Command Create()
    {
        var status = new Option<bool>("--status") { Description = "List the scripts and whether they have been applied; change nothing." };
        var command = new Command("migrate", "Upgrade the database's schema to this build's.") { status };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            var migrations = services.GetRequiredService<Migrations>();
            if (!result.GetValue(status))
                migrations.Apply();
            foreach (var script in await migrations.Status(ct))
                output.WriteLine($"{(script.Applied ? "applied" : "pending")}  {script.Script}");
            return 0;
        }, ct));
        return command;
    }
}
