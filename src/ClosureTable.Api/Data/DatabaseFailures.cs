using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>A commit was sent, but its outcome is unknown.</summary>
internal sealed class OutcomeUnknownException(string reason, Exception? cause = null) : Exception(reason, cause);

/// <summary>Classifies database errors: the response, and whether a retry can help.</summary>
internal static class DatabaseFailures
{
    /// <returns>The problem for the response; null if the statement is wrong, which is a bug.</returns>
    public static Problem? ProblemOf(Exception exception) => exception switch
    {
        OutcomeUnknownException => Problem.OutcomeUnknown,
        PostgresException refused => ProblemOf(refused),
        // An exhausted pool, an unreachable server, a broken connection.
        NpgsqlException or TimeoutException => Problem.Unavailable,
        _ => null,
    };

    private static Problem? ProblemOf(PostgresException refused) => refused.SqlState switch
    {
        PostgresErrorCodes.QueryCanceled => Problem.TimedOut,
        // Text that passed validation but that PostgreSQL cannot store.
        PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter => Problem.InvalidRequest,
        PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected => Problem.Contended,
        PostgresErrorCodes.CheckViolation or PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.ForeignKeyViolation => OfConstraint(refused.ConstraintName),
        // A standby, a database set to read-only, or a full disk, which still allows reads.
        PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.DiskFull => Problem.ReadOnly,
        // Connection errors, resources, operator intervention, system errors.
        ['0', '8', ..] or ['5', '3', ..] or ['5', '7', ..] or ['5', '8', ..] => Problem.Unavailable,
        // No session: a wrong password, a dropped database, a transaction that was idle too long.
        _ when refused.InvariantSeverity is "FATAL" or "PANIC" => Problem.Unavailable,
        _ => null,
    };

    /// <returns>Null for constraints that only a bug can violate.</returns>
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

    /// <summary>Whether a transaction that failed before its commit may succeed if repeated: after a conflict, or a restart of the server.</summary>
    public static bool IsWorthRepeating(Exception exception) => exception switch
    {
        PostgresException refused => refused.SqlState is PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected
            or PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown,
        NpgsqlException broken => broken.InnerException is IOException,
        _ => false,
    };

    /// <summary>Commits, even if the client has disconnected.</summary>
    /// <exception cref="OutcomeUnknownException">
    /// The connection broke before the response, or a synchronous standby did not confirm (PostgreSQL only sends a warning) and a
    /// failover could lose the commit.
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
