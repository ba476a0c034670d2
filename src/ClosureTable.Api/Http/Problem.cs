using System.Diagnostics;
using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ClosureTable.Api.Http;

/// <summary>
/// Every way in which the service says no, in one place: what clients read (RFC 9457) and what the API document lists.
/// </summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The stable name that programs compare with.</param>
/// <param name="Detail">One sentence for people; a handler may give a more precise one.</param>
internal sealed record Problem(int Status, string Code, string Detail)
{
    // 400: the request itself is wrong.
    public static readonly Problem InvalidRequest = new(400, "invalid_request", "The request could not be read.");
    public static readonly Problem ValidationFailed = new(400, "validation_failed", "One or more fields are not valid; see errors.");
    public static readonly Problem TooManyWords = new(400, "too_many_words", "Search for at most 8 words at a time.");
    public static readonly Problem InvalidCursor = new(400, "invalid_cursor", "The cursor was not made by this list with this sort.");

    // 401, 403: who asks.
    public static readonly Problem Unauthorized = new(401, "unauthorized", "Sign in first: the token is missing or no longer valid.");
    public static readonly Problem InvalidCredentials = new(401, "invalid_credentials", "The address or the password is wrong.");
    public static readonly Problem AccountDisabled = new(401, "account_disabled", "This account was disabled.");
    public static readonly Problem InvalidRefreshToken = new(401, "invalid_refresh_token", "The refresh token is spent, expired or unknown; sign in again.");
    public static readonly Problem Forbidden = new(403, "forbidden", "This is not yours to change.");

    public static readonly Problem EditWindowClosed = new(403, "edit_window_closed", "The time in which this comment could be edited is over.");

    // 404, 405: what is asked for.
    public static readonly Problem NotFound = new(404, "not_found", "There is nothing at this address.");
    public static readonly Problem CommentNotFound = new(404, "comment_not_found", "There is no such comment.");
    public static readonly Problem UserNotFound = new(404, "user_not_found", "There is no such user.");
    public static readonly Problem ParentNotFound = new(404, "parent_not_found", "There is no comment with this parent_id.");
    public static readonly Problem MethodNotAllowed = new(405, "method_not_allowed", "This address does not take that method; see Allow.");

    // 409, 412, 422: the state of the tree, and of the accounts.
    public static readonly Problem EmailTaken = new(409, "email_taken", "There is an account with this address already.");
    public static readonly Problem ParentDeleted = new(409, "parent_deleted", "The comment that you reply to was deleted.");
    public static readonly Problem CommentDeleted = new(409, "comment_deleted", "The comment was deleted.");
    public static readonly Problem RequestInFlight = new(409, "request_in_flight", "The first request with this Idempotency-Key is still being worked on; try again shortly.");
    public static readonly Problem PreconditionFailed = new(412, "precondition_failed", "It changed since you read it; read it again.");
    public static readonly Problem TooDeep = new(422, "too_deep", "The tree does not go deeper than this.");
    public static readonly Problem IntoItself = new(422, "move_into_itself", "A comment cannot move below itself.");
    public static readonly Problem KeyReused = new(422, "idempotency_key_reused", "This Idempotency-Key was used with another request.");

    public static readonly Problem ThreadTooLarge = new(422, "thread_too_large", "The explorer shows threads of up to 200 comments.");

    // 413, 415: what was sent.
    public static readonly Problem TooLarge = new(413, "body_too_large", "The body is larger than this service reads.");
    public static readonly Problem UnsupportedMediaType = new(415, "unsupported_media_type", "Send the body as application/json in UTF-8.");

    // 429: how often.
    public static readonly Problem RateLimited = new(429, "rate_limited", "That was too much in a short time; see Retry-After.");
    public static readonly Problem TooManyLogins = new(429, "too_many_logins", "Too many logins failed; see Retry-After.");

    public static readonly Problem TooManyStreams = new(429, "too_many_streams", "Too many event streams are open from your address; close one first.");

    // 5xx: not the client's fault.
    public static readonly Problem Internal = new(500, "internal_error", "Something went wrong on our side.");
    public static readonly Problem Unavailable = new(503, "database_unavailable", "The database cannot be reached right now; try again shortly.");
    public static readonly Problem ReadOnly = new(503, "read_only", "Nothing can be written right now, only read; try again shortly.");
    public static readonly Problem Contended = new(503, "contended", "Others keep what this would change; try again shortly.");
    public static readonly Problem OutcomeUnknown = new(
        503, "outcome_unknown", "The database did not say whether this was kept. Send it again, with the same Idempotency-Key, to find out.");
    public static readonly Problem Busy = new(503, "busy", "Too many ask for this at once right now; try again shortly.");
    public static readonly Problem StreamsFull = new(503, "streams_full", "No more event streams can be opened right now; try again shortly.");
    public static readonly Problem TimedOut = new(504, "database_timeout", "The database took too long to answer.");

    /// <summary>The answer that carries this problem, with a more precise sentence where the handler has one.</summary>
    public ProblemHttpResult Result(string? detail = null) => TypedResults.Problem(
        statusCode: Status, detail: detail ?? Detail, extensions: new Dictionary<string, object?> { ["code"] = Code });

    /// <summary>The problem that stands for a bare status that the framework produced.</summary>
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

    /// <summary>The identifier under which the logs know this request.</summary>
    public static string TraceId(HttpContext context) => Activity.Current?.Id ?? context.TraceIdentifier;
}

/// <summary>What an endpoint may answer instead of what was asked for; read by the API document.</summary>
internal sealed record ProblemsMetadata(IReadOnlyList<Problem> Problems);

internal static class ProblemConventions
{
    /// <summary>Names the problems that the endpoint (or each endpoint of the group) can answer with.</summary>
    public static TBuilder WithProblems<TBuilder>(this TBuilder builder, params Problem[] problems)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ProblemsMetadata(problems));
}
