using System.CommandLine;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Live;
using ClosureTable.Api.Search;
using Microsoft.Extensions.Logging.Console;

namespace ClosureTable.Api.Commands;

/// <summary>Shared by the commands that use the database: provides the service's configuration and an open database.</summary>
internal static class DatabaseCommand
{
    /// <param name="result">The parsed command line; <c>--Section:Key value</c> after the command's own options is configuration.</param>
    /// <param name="work">Gets the services and standard output; returns the exit code.</param>
    /// <param name="ct">Ctrl+C.</param>
    public static async Task<int> Run(ParseResult result, Func<IServiceProvider, TextWriter, CancellationToken, Task<int>> work, CancellationToken ct)
    {
        if (Settings.Fault(result.UnmatchedTokens, sectionsOnly: true) is { } fault)
        {
            await result.InvocationConfiguration.Error.WriteLineAsync(fault);
            return 1;
        }

        var builder = Host.CreateApplicationBuilder(Defaults.CommandOptions([.. result.UnmatchedTokens]));
        // Standard output is the command's; warnings and errors are logged to standard error.
        builder.Logging.ClearProviders().AddSimpleConsole().AddFilter(level => level >= LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.FormatterName = ConsoleFormatterNames.Simple;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
        });
        // Commands have no timeouts: they take as long as the data requires, and an operator watches them.
        builder.Configuration.AddInMemoryCollection(
            new[] { nameof(DatabaseOptions.StatementTimeout), nameof(DatabaseOptions.LockTimeout), nameof(DatabaseOptions.IdleInTransactionTimeout) }
                .Select(timeout => KeyValuePair.Create($"Database:{timeout}", (string?)"00:00:00")));
        builder.AddDatabase();
        builder.AddSearchColumn();
        builder.AddEventServer();
        using var host = builder.Build();
        await using var database = host.Services.GetRequiredService<Database>();
        try
        {
            await database.Open(ct);
            return await work(host.Services, result.InvocationConfiguration.Output, ct);
        }
        catch (Exception exception) when (Explained.By(exception) is { } message)
        {
            await result.InvocationConfiguration.Error.WriteLineAsync(message);
            return 1;
        }
    }
}
