using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Http;

/// <summary>Turns every failure, whoever noticed it, into one shape of answer.</summary>
internal static class ProblemResponses
{
    public static void AddProblemResponses(this IHostApplicationBuilder builder)
    {
        // Before the framework's own, which is silent where a client accepts, say, event streams only.
        builder.Services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        builder.Services.AddProblemDetails();
        // A malformed request is the client's business, in every environment: BadRequestHandler says what was wrong with it.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.AddValidation();
        builder.Services.AddExceptionHandler<BadRequestHandler>();
    }

    public static void UseProblemResponses(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // What a client caused is no error of ours, and its log line would be an invitation to fill the disk.
            // What else an IExceptionHandler answers has its line in the request log.
            SuppressDiagnosticsCallback = context =>
                context.ExceptionHandledBy == ExceptionHandledType.ExceptionHandlerService || context.Exception is OperationCanceledException,
        });
        app.UseStatusCodePages();
        app.Use(RequireUtf8Json);
    }

    /// <summary>
    /// JSON is UTF-8 (RFC 8259). The framework would transcode what it knows and throw on the rest; one clear answer is better.
    /// It also throws on a charset in quotes, which are allowed: what it need not know, it is not told.
    /// </summary>
    private static Task RequireUtf8Json(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<IAcceptsMetadata>() is null
            || !MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || !type.Charset.HasValue)
            return next(context);
        if (!HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            return Problem.UnsupportedMediaType.Result().ExecuteAsync(context);
        type.Charset = null;
        context.Request.ContentType = type.ToString();
        return next(context);
    }

    /// <summary>
    /// Completes problems and sends them, whatever the client accepts: it is told the reason in a format that it did not
    /// ask for rather than none (RFC 9110, 12.4.1).
    /// </summary>
    private sealed class ProblemWriter : IProblemDetailsWriter
    {
        public bool CanWrite(ProblemDetailsContext context) => true;

        public async ValueTask WriteAsync(ProblemDetailsContext context)
        {
            Complete(context);
            await context.HttpContext.Response.WriteAsJsonAsync(
                context.ProblemDetails, context.ProblemDetails.GetType(), options: null, "application/problem+json", context.HttpContext.RequestAborted);
        }

        /// <summary>Fills what every problem has: title, code, the article's <c>error</c>, the trace, names in snake_case.</summary>
        private static void Complete(ProblemDetailsContext context)
        {
            var details = context.ProblemDetails;
            if (details is HttpValidationProblemDetails validation)
            {
                details.Detail = Problem.ValidationFailed.Detail;
                details.Extensions["code"] = Problem.ValidationFailed.Code;
                validation.Errors = validation.Errors.ToDictionary(
                    error => JsonNamingPolicy.SnakeCaseLower.ConvertName(error.Key),
                    error => error.Value.Select(PlainSentences.Of).ToArray());
            }

            // The framework's own validation leaves it out.
            var status = details.Status ??= context.HttpContext.Response.StatusCode;
            var known = Problem.ForStatus(status);
            details.Title = ReasonPhrases.GetReasonPhrase(status);
            details.Detail ??= known.Detail;
            details.Extensions.TryAdd("code", known.Code);
            details.Type = Problem.TypeOf((string)details.Extensions["code"]!);
            details.Extensions["error"] = details.Detail;
            details.Extensions.Remove("traceId");
            details.Extensions["trace_id"] = Problem.TraceId(context.HttpContext);
            var headers = context.HttpContext.Response.Headers;
            if (status == StatusCodes.Status503ServiceUnavailable)
                headers.RetryAfter = "1";
            // RFC 9110, 15.5.2: a 401 says how to do better. What the scheme wrote about a bad token stands.
            if (status == StatusCodes.Status401Unauthorized && headers.WWWAuthenticate.Count == 0)
                headers.WWWAuthenticate = "Bearer";
        }
    }

    private sealed class BadRequestHandler : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken ct)
        {
            if (exception is not BadHttpRequestException bad)
                return false;
            await Unreadable.Answer(bad).ExecuteAsync(context);
            return true;
        }
    }
}

/// <summary>
/// The framework's validation attributes name C# properties, as in "The RefreshToken field is required.": whoever reads an answer
/// has the field's name beside the sentence. They all pass here, so that nobody has to think of it at each attribute.
/// </summary>
internal static partial class PlainSentences
{
    private static readonly (Regex Theirs, string Ours)[] Known =
    [
        (Required(), "This is required."),
        (Between(), "This must be a number from $1 to $2."),
        (Longest(), "This must have at most $1 characters."),
        (Fewest(), "There must be at least $1 of these."),
        (Most(), "There must be at most $1 of these."),
    ];

    public static string Of(string sentence)
    {
        foreach (var (theirs, ours) in Known)
        {
            if (theirs.Match(sentence) is { Success: true } match)
                return match.Result(ours);
        }

        return sentence;
    }

    [GeneratedRegex(@"^The \S+ field is required\.$")]
    private static partial Regex Required();

    [GeneratedRegex(@"^The field \S+ must be between (\S+) and (\S+)\.$")]
    private static partial Regex Between();

    [GeneratedRegex(@"^The field \S+ must be a string with a maximum length of (\d+)\.$")]
    private static partial Regex Longest();

    [GeneratedRegex(@"^The field \S+ must be a string or array type with a minimum length of '(\d+)'\.$")]
    private static partial Regex Fewest();

    [GeneratedRegex(@"^The field \S+ must be a string or array type with a maximum length of '(\d+)'\.$")]
    private static partial Regex Most();
}

/// <summary>What was wrong with a request that could not be read, without the names of our types that the framework's own sentences carry.</summary>
internal static partial class Unreadable
{
    public static IResult Answer(BadHttpRequestException bad) => bad switch
    {
        { StatusCode: not StatusCodes.Status400BadRequest } => Problem.ForStatus(bad.StatusCode).Result(),
        { InnerException: JsonException json } => Answer(json),
        _ when BadParameter().Match(bad.Message) is { Success: true } match => Field(match.Groups["name"].Value, NotOfType(match.Groups["type"].Value, match.Groups["value"].Value)),
        _ when MissingParameter().Match(bad.Message) is { Success: true } match =>
            match.Groups["source"].Value == "body" ? Problem.InvalidRequest.Result("A JSON body is required.") : Field(match.Groups["name"].Value, "This is required."),
        _ => Problem.InvalidRequest.Result(),
    };

    private static IResult Answer(JsonException json)
    {
        if (MissingProperties().Match(json.Message) is { Success: true } match)
            return TypedResults.ValidationProblem(match.Groups["name"].Captures.ToDictionary(name => name.Value, string[] (_) => ["This is required."]));
        // The reader's own complaint, which the serializer wraps: what follows it is no JSON.
        if (json.InnerException is JsonException)
            return Problem.InvalidRequest.Result($"The body is not valid JSON (line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}).");
        return json.Path is { } path && TopLevel().Match(path) is { Success: true } field
            ? Field(field.Groups["name"].Value, "This is not what is expected here; see the API document.")
            : Problem.InvalidRequest.Result("The body is not the JSON object that is expected here.");
    }

    private static IResult Field(string name, string sentence) =>
        TypedResults.ValidationProblem(new Dictionary<string, string[]> { [name] = [sentence] });

    private static string NotOfType(string type, string value) => type.TrimEnd('?') switch
    {
        "bool" => "This must be true or false.",
        "int" or "long" => value.AsSpan().TrimStart('-') is { Length: > 0 } digits && !digits.ContainsAnyExceptInRange('0', '9')
            ? "This number is out of range."
            : "This must be a whole number.",
        _ => "This cannot be read.",
    };

    [GeneratedRegex("""^Failed to bind parameter "(?<type>\S+) (?<name>\w+)" from "(?<value>.*)"\.$""", RegexOptions.Singleline)]
    private static partial Regex BadParameter();

    [GeneratedRegex("""^(Required|Implicit body inferred for) parameter "\S+ (?<name>\w+)" (was not provided from (?<source>query string|route|header|body)|but no (?<source>body) was provided)""")]
    private static partial Regex MissingParameter();

    [GeneratedRegex("missing required properties including: ('(?<name>[^']+)'(, |;|\\.))+")]
    private static partial Regex MissingProperties();

    [GeneratedRegex("""^\$\.(?<name>[a-z_]+)$""")]
    private static partial Regex TopLevel();
}
