using ClosureTable.Api.Hosting;
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>Failures that an operator can mend are told in a sentence; only the others deserve a stack trace.</summary>
internal static class Explained
{
    /// <returns>The sentence, or null where the exception is a fault of the program.</returns>
    public static string? By(Exception exception) => exception switch
    {
        PostgresNotFoundException or PostgresStartException or MigrationFailedException => exception.Message,
        OptionsValidationException invalid => string.Join(Environment.NewLine, invalid.Failures),
        NpgsqlException => $"The database cannot be reached: {exception.Message}",
        _ => null,
    };
}
