using ClosureTable.Api.Data;
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>Failures that an operator can fix get a message; only the others get a stack trace.</summary>
internal static class Explained
{
    /// <returns>The message, or null if the exception is a bug.</returns>
    public static string? By(Exception exception) => exception switch
    {
        PostgresNotFoundException or PostgresStartException or MigrationFailedException => exception.Message,
        OptionsValidationException invalid => string.Join(Environment.NewLine, invalid.Failures),
        // More than one section is invalid.
        AggregateException several when several.InnerExceptions.All(one => one is OptionsValidationException) =>
            string.Join(Environment.NewLine, several.InnerExceptions.Select(By)),
        InvalidOperationException { Source: "Microsoft.Extensions.Configuration.Binder" } unreadable =>
            $"{unreadable.Message} In the name of an environment variable, write __ for each colon.",
        PostgresException { SqlState: PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.UndefinedColumn } old =>
            $"The database does not have the schema of this build ({old.MessageText}); run migrate first.",
        IOException or UnauthorizedAccessException => exception.Message,
        NpgsqlException => $"The database cannot be reached: {exception.Message}",
        _ => null,
    };
}
