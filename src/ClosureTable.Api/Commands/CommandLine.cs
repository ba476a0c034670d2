using System.CommandLine;

namespace ClosureTable.Api.Commands;

/// <summary>Serves, by default, or runs one of the operator's commands.</summary>
internal static class CommandLine
{
    /// <param name="args">The program's arguments; <c>serve</c> passes unknown ones to the configuration.</param>
    /// <param name="serve">Runs the service until it is stopped.</param>
    /// <returns>The exit code: 0 for success, 1 for failure.</returns>
    public static async Task<int> Run(string[] args, Func<string[], Task> serve)
    {
        var root = new RootCommand("ClosureTable: threaded comments, stored in PostgreSQL as a closure table.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        var serving = new Command("serve", "Serve HTTP (the default). Settings may follow, for example --urls http://localhost:9000.")
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        root.SetAction(result => Serve(result.UnmatchedTokens));
        serving.SetAction(result => Serve(result.UnmatchedTokens));
        root.Add(serving);
        root.Add(MigrateCommand.Create());
        root.Add(UsersCommand.Create());
        root.Add(VerifyCommand.Create());
        root.Add(RepairCommand.Create());
        root.Add(SeedCommand.Create());
        root.Add(ExportCommand.Create());
        root.Add(ImportCommand.Create());
        root.Add(HealthCommand.Create());

        // The web host handles Ctrl+C and SIGTERM itself; a second handler would interrupt its shutdown.
        return await root.Parse(args).InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });

        async Task<int> Serve(IReadOnlyList<string> settings)
        {
            if (Settings.Fault(settings, sectionsOnly: false) is { } fault)
            {
                await Console.Error.WriteLineAsync(fault);
                return 1;
            }

            try
            {
                await serve([.. settings]);
                return 0;
            }
            catch (Exception exception) when (Explained.By(exception) is { } message)
            {
                await Console.Error.WriteLineAsync(message);
                return 1;
            }
        }
    }
}
