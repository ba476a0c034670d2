using System.CommandLine;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Live;
using ClosureTable.Api.Search;
using Microsoft.Extensions.Logging.Console;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>A command's use of the database, with the configuration of the service.</summary>
/// <param name="Line">The command line.</param>
internal sealed record DatabaseCommand(ParseResult Line, IServiceProvider Services)
{
    public NpgsqlDataSource Primary => Services.GetRequiredService<NpgsqlDataSource>();

    public Migrations Migrations => Services.GetRequiredService<Migrations>();

    public int MaxDepth => (Services.GetRequiredService<IConfiguration>().GetSection("Comments").Get<CommentOptions>() ?? new()).MaxDepth;

    public TextWriter Output => Line.InvocationConfiguration.Output;

    public TextWriter Error => Line.InvocationConfiguration.Error;

    public static async Task<int> Run(ParseResult line, Func<DatabaseCommand, CancellationToken, Task<int>> run, CancellationToken ct)
    {
        var builder = Host.CreateApplicationBuilder(Defaults.CommandOptions([.. line.UnmatchedTokens]));
        // The standard output belongs to the command; warnings go to the standard error.
        builder.Logging.ClearProviders().AddSimpleConsole().AddFilter(level => level >= LogLevel.Warning);
        builder.Services.Configure<ConsoleLoggerOptions>(console =>
        {
            console.FormatterName = ConsoleFormatterNames.Simple;
            console.LogToStandardErrorThreshold = LogLevel.Trace;
        });
        // A command takes as long as the amount of data requires.
        builder.Configuration.AddInMemoryCollection(
            new[] { nameof(DatabaseOptions.StatementTimeout), nameof(DatabaseOptions.LockTimeout), nameof(DatabaseOptions.IdleInTransactionTimeout) }
                .Select(timeout => KeyValuePair.Create($"Database:{timeout}", (string?)"00:00:00")));
        builder.AddDatabase();
        builder.AddSearchColumn();
        builder.AddEventServer();
        using var host = builder.Build();
        await using var database = host.Services.GetRequiredService<Database>();
        await database.Open(ct);
        return await run(new(line, host.Services), ct);
    }
}

internal static class DatabaseCommands
{
    /// <param name="run">Its result is the exit code.</param>
    public static Command OnDatabase(this Command command, Func<DatabaseCommand, CancellationToken, Task<int>> run)
    {
        command.SetAction((line, ct) => CommandLine.Explain(line, sectionsOnly: true, () => DatabaseCommand.Run(line, run, ct)));
        return command;
    }
}
