using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>A commit was sent and its outcome is not known.</summary>
internal sealed class OutcomeUnknownException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>What a database error means to a client, and whether a retry can help.</summary>
internal static class DatabaseFailures
{
    /// <returns>The problem to answer with; null where the statement is at fault, which is a bug.</returns>
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
        // Text that PostgreSQL cannot hold and that validation let through.
        PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter => Problem.InvalidRequest,
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => Problem.Contended,
        PostgresErrorCodes.CheckViolation or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation => OfConstraint(refused.ConstraintName),
        // A standby, an operator's precaution; or a full disk, which takes no new rows but goes on answering reads.
        PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.DiskFull => Problem.ReadOnly,
        // Connections, resources, operator intervention, the server's own system calls.
        ['0', '8', ..] or ['5', '3', ..] or ['5', '7', ..] or ['5', '8', ..] => Problem.Unavailable,
        // The session has ended or was never opened: a wrong password, a dropped database, a transaction idle too long.
        _ when refused.InvariantSeverity is "FATAL" or "PANIC" => Problem.Unavailable,
        _ => null,
    };

    /// <summary>What a violated constraint means to a client; null for those that only a fault of this program can violate.</summary>
    private static Problem? OfConstraint(string? name) => name switch
    {
        "comments_comments_content_length" or "comments_revisions_content_length" or "comments_threads_topic_length"
            or "auth_users_name_length" or "auth_users_email_length" or "idempotency_keys_key_length" => Problem.ValidationFailed,
        "auth_users_email_key" => Problem.EmailTaken,
        "comments_comments_parent_exists" => Problem.ParentNotFound,
        "comments_likes_comment_exists" or "comments_revisions_comment_exists" => Problem.CommentNotFound,
        // The caller's account was deleted while its token is still valid.
        "comments_comments_author_exists" or "comments_likes_user_exists" or "comments_revisions_editor_exists" or "idempotency_keys_user_exists" => Problem.Unauthorized,
        _ => null,
    };

    /// <summary>Whether a transaction that failed so before its commit lost to another one, or to a restart of the server: run again, it may succeed.</summary>
    public static bool IsWorthRepeating(Exception exception) => exception switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
            or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown,
        NpgsqlException broken => broken.InnerException is IOException,
        _ => false,
    };

    /// <summary>Commits, whether or not the client goes away, and takes for an answer only what the database said clearly.</summary>
    /// <exception cref="OutcomeUnknownException">
    /// The connection broke between the commit and its answer; or a synchronous standby did not confirm, which PostgreSQL says with a warning
    /// only, and a failover would lose what was committed.
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

/// <summary>Answers requests that failed because of the database.</summary>
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
