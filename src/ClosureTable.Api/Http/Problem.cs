using System.Diagnostics;
using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ClosureTable.Api.Http;

/// <summary>The catalogue of problems (RFC 9457) that the service answers with; the API document lists them too.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The stable identifier that clients compare with.</param>
/// <param name="Detail">One sentence for people; a handler may pass a more precise one.</param>
internal sealed record Problem(int Status, string Code, string Detail)
{
    // 400: the request itself is wrong.
    public static readonly Problem InvalidRequest = new(400, "invalid_request", "The request could not be read.");
    public static readonly Problem ValidationFailed = new(400, "validation_failed", "One or more fields are invalid; see errors.");
    public static readonly Problem TooManyWords = new(400, "too_many_words", "The query has more than 8 words.");
    public static readonly Problem InvalidCursor = new(400, "invalid_cursor", "The cursor does not belong to this list and sort order.");

    // 401, 403: the caller.
    public static readonly Problem Unauthorized = new(401, "unauthorized", "The access token is missing, invalid or expired.");
    public static readonly Problem InvalidCredentials = new(401, "invalid_credentials", "The email address or password is incorrect.");
    public static readonly Problem AccountDisabled = new(401, "account_disabled", "This account is disabled.");
    public static readonly Problem InvalidRefreshToken = new(401, "invalid_refresh_token", "The refresh token is unknown, expired or already used; sign in again.");
    public static readonly Problem Forbidden = new(403, "forbidden", "You don't have permission to do this.");
    public static readonly Problem EditWindowClosed = new(403, "edit_window_closed", "This comment can no longer be edited.");

    // 404, 405: the resource.
    public static readonly Problem NotFound = new(404, "not_found", "Not found.");
    public static readonly Problem CommentNotFound = new(404, "comment_not_found", "Comment not found.");
    public static readonly Problem UserNotFound = new(404, "user_not_found", "User not found.");
    public static readonly Problem ParentNotFound = new(404, "parent_not_found", "Parent comment not found.");
    public static readonly Problem MethodNotAllowed = new(405, "method_not_allowed", "Method not allowed; see Allow.");

    // 409, 412, 422: the state of the tree, and of the accounts.
    public static readonly Problem EmailTaken = new(409, "email_taken", "An account with this email address already exists.");
    public static readonly Problem ParentDeleted = new(409, "parent_deleted", "The parent comment was deleted.");
    public static readonly Problem CommentDeleted = new(409, "comment_deleted", "The comment was deleted.");
    public static readonly Problem RequestInFlight = new(409, "request_in_flight", "The first request with this Idempotency-Key is still in progress; retry shortly.");
    public static readonly Problem PreconditionFailed = new(412, "precondition_failed", "The thread has changed; read it again.");
    public static readonly Problem TooDeep = new(422, "too_deep", "Replies are nested too deeply.");
    public static readonly Problem IntoItself = new(422, "move_into_itself", "A comment cannot be moved below itself.");
    public static readonly Problem KeyReused = new(422, "idempotency_key_reused", "This Idempotency-Key was already used for a different request.");
    public static readonly Problem ThreadTooLarge = new(422, "thread_too_large", "The explorer shows threads of up to 200 comments.");

    // 413, 415: the body.
    public static readonly Problem TooLarge = new(413, "body_too_large", "The request body is too large.");
    public static readonly Problem UnsupportedMediaType = new(415, "unsupported_media_type", "The request body must be application/json in UTF-8.");

    // 429: rates.
    public static readonly Problem RateLimited = new(429, "rate_limited", "Rate limit exceeded; see Retry-After.");
    public static readonly Problem TooManyLogins = new(429, "too_many_logins", "Too many failed logins; see Retry-After.");
    public static readonly Problem TooManyStreams = new(429, "too_many_streams", "Too many open event streams from this client; close one first.");

    // 5xx: not the client's fault.
    public static readonly Problem Internal = new(500, "internal_error", "Internal server error.");
    public static readonly Problem Unavailable = new(503, "database_unavailable", "The database is unavailable; retry shortly.");
    public static readonly Problem ReadOnly = new(503, "read_only", "The service is read-only at the moment; retry shortly.");
    public static readonly Problem Contended = new(503, "contended", "Another request holds this thread; retry shortly.");
    public static readonly Problem OutcomeUnknown = new(
        503, "outcome_unknown", "The outcome of this request is unknown. Retry with the same Idempotency-Key to find out.");
    public static readonly Problem Busy = new(503, "busy", "The server is busy; retry shortly.");
    public static readonly Problem StreamsFull = new(503, "streams_full", "The server has reached its limit of event streams; retry shortly.");
    public static readonly Problem TimedOut = new(504, "database_timeout", "The database timed out.");

    /// <summary>The response for this problem, with a more precise sentence where the handler has one.</summary>
    public ProblemHttpResult Result(string? detail = null) => TypedResults.Problem(
        statusCode: Status, detail: detail ?? Detail, extensions: new Dictionary<string, object?> { ["code"] = Code });

    /// <summary><see cref="ValidationFailed"/> because of one field or parameter.</summary>
    public static ValidationProblem Invalid(string field, string sentence) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]> { [field] = [sentence] });

    /// <summary>The problem for a bare status code that the framework produced.</summary>
    public static Problem ForStatus(int status) => status switch
    {
        400 => InvalidRequest,
        401 => Unauthorized,
        403 => Forbidden,
        404 => NotFound,
        405 => MethodNotAllowed,
        412 => PreconditionFailed,
        413 => TooLarge,
        415 => UnsupportedMediaType,
        429 => RateLimited,
        503 => Unavailable,
        504 => TimedOut,
        < 500 => InvalidRequest with { Status = status },
        _ => Internal,
    };

    /// <summary>Where <c>type</c> points: what <see cref="ProblemPage"/> says about the code.</summary>
    public static string TypeOf(string code) => $"{ProblemPage.Path}#{code}";

    /// <summary>All of the above.</summary>
    public static IReadOnlyList<Problem> All =>
        [.. typeof(Problem).GetFields(BindingFlags.Public | BindingFlags.Static).Select(member => member.GetValue(null)).OfType<Problem>()];

    /// <summary>The identifier of this request in the logs.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.Id ?? context.TraceIdentifier;
}

/// <summary>The problems of an endpoint, for the API document.</summary>
internal sealed record ProblemsMetadata(IReadOnlyList<Problem> Problems);

internal static class ProblemConventions
{
    /// <summary>Names the problems that the endpoint (or each endpoint of the group) can answer with.</summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder builder, params Problem[] problems)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ProblemsMetadata(problems));
}
