using System.CommandLine;

namespace ClosureTable.Api.Commands;

/// <summary>The program's commands: serve, which is the default, and those for operators.</summary>
internal static class CommandLine
{
    /// <param name="args">The program's arguments; <c>serve</c> passes the ones it does not know to the configuration.</param>
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
        root.SetAction(Serve);
        serving.SetAction(Serve);
        root.Add(serving);
        root.Add(MigrateCommand.Create());
        root.Add(UsersCommand.Create());
        root.Add(VerifyCommand.Create());
        root.Add(RepairCommand.Create());
        root.Add(SeedCommand.Create());
        root.Add(ExportCommand.Create());
        root.Add(ImportCommand.Create());
        root.Add(HealthCommand.Create());

        // The web host drains requests on Ctrl+C and SIGTERM by itself; a second handler would cut it short.
        return await root.Parse(args).InvokeAsync(new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });

        Task<int> Serve(ParseResult result) => Explain(result, sectionsOnly: false, async () =>
        {
            await serve([.. result.UnmatchedTokens]);
            return 0;
        });
    }

    /// <summary>Runs a command. Mistyped options, and failures that the operator can fix, become a message and exit code 1.</summary>
    /// <param name="sectionsOnly">Whether settings must have a section, as in <c>--Comments:MaxDepth</c>; other options are mistyped then.</param>
    public static async Task<int> Explain(ParseResult result, bool sectionsOnly, Func<Task<int>> run)
    {
        var fault = Fault(result.UnmatchedTokens, sectionsOnly);
        try
        {
            if (fault is null)
                return await run();
        }
        catch (Exception exception) when (Explained.By(exception) is { } message)
        {
            fault = message;
        }

        await result.InvocationConfiguration.Error.WriteLineAsync(fault);
        return 1;
    }

    /// <summary>What is wrong with the first token that is not a setting (<c>--Key value</c> or <c>--Key=value</c>), or null.</summary>
    private static string? Fault(IEnumerable<string> tokens, bool sectionsOnly)
    {
        var valueMayFollow = false;
        foreach (var token in tokens)
        {
            var isKey = token.StartsWith("--", StringComparison.Ordinal);
            if (isKey ? sectionsOnly && !token.Contains(':', StringComparison.Ordinal) : !valueMayFollow)
                return $"Unknown {(isKey ? "option" : "command")} {token}; see --help. A setting is given as --Section:Key value.";
            valueMayFollow = isKey && !token.Contains('=', StringComparison.Ordinal);
        }

        return null;
    }
}
