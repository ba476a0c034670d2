using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>The commit was sent, and nobody said what became of it.</summary>
internal sealed class OutcomeUnknownException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>What a fault of the database means to a client, and whether trying again can help.</summary>
internal static class DatabaseFailures
{
    /// <returns>The problem to answer with; null where the statement itself is at fault, which is a fault of this program.</returns>
    public static Problem? ProblemOf(Exception exception) => exception switch
    {
        OutcomeUnknownException => Problem.OutcomeUnknown,
        PostgresException refused => ProblemOf(refused),
        // A pool without a free connection, a server that does not answer, a connection that broke.
        NpgsqlException or TimeoutException => Problem.Unavailable,
        _ => null,
    };

    private static Problem? ProblemOf(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.QueryCanceled => Problem.TimedOut,
        // Text that PostgreSQL cannot hold slipped past the validators: still the client's doing.
        PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter => Problem.InvalidRequest,
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => Problem.Contended,
        // A standby, an operator's precaution; or a full disk, which takes no new rows but goes on answering reads.
        PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.DiskFull => Problem.ReadOnly,
        // Connections, resources, operator intervention, the server's own system calls.
        ['0', '8', ..] or ['5', '3', ..] or ['5', '7', ..] or ['5', '8', ..] => Problem.Unavailable,
        // Whatever the reason, the session is over or was never had: a wrong password, a dropped database, a transaction idle too long.
        _ when refused.InvariantSeverity is "FATAL" or "PANIC" => Problem.Unavailable,
        _ => null,
    };

    /// <summary>
    /// Whether a transaction that failed so, before its commit, may succeed if it is run again at once: it lost to another one,
    /// or its connection was one that a restart of the server had left dead in the pool.
    /// </summary>
    public static bool IsWorthRepeating(Exception exception) => exception switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
            or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown,
        NpgsqlException broken => broken.InnerException is IOException,
        _ => false,
    };

    /// <summary>
    /// Commits for good. Not cancelled by a client that goes away, who would be told "failed" of what was kept; and only what the
    /// database said clearly is taken for an answer.
    /// </summary>
    /// <exception cref="OutcomeUnknownException">
    /// The transaction may have been committed or not. The connection broke, or a session was ended, between the commit and its
    /// answer; or a synchronous standby did not confirm what this server has committed alone, which PostgreSQL says with a
    /// warning only, and a failover would lose.
    /// </exception>
    public static async Task CommitForGood(this NpgsqlTransaction transaction)
    {
        var connection = transaction.Connection!;
        PostgresNotice? warning = null;
        connection.Notice += Heed;
        try
        {
            await transaction.CommitAsync(CancellationToken.None);
        }
        catch (Exception exception) when (exception is not PostgresException { InvariantSeverity: "ERROR" })
        {
            throw new OutcomeUnknownException($"A commit was not answered: {exception.Message}", exception);
        }
        finally
        {
            connection.Notice -= Heed;
        }

        if (warning is not null)
            throw new OutcomeUnknownException($"A commit came with a warning: {warning.MessageText}");

        void Heed(object sender, NpgsqlNoticeEventArgs heard)
        {
            if (heard.Notice.InvariantSeverity == "WARNING")
                warning = heard.Notice;
        }
    }
}

/// <summary>Answers a request that a fault of the database ended.</summary>
internal sealed class DatabaseFailureHandler : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (DatabaseFailures.ProblemOf(exception) is not { } problem)
            return false;
        await problem.Result().ExecuteAsync(httpContext);
        return true;
    }
}
