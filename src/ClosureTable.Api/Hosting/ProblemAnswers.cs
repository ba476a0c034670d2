using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Npgsql;

namespace ClosureTable.Api.Hosting;

/// <summary>Turns every failure, whoever noticed it, into one shape of answer.</summary>
internal static class ProblemAnswers
{
    public static void AddProblemAnswers(this IHostApplicationBuilder builder)
    {
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = Complete);
        // A malformed request is the client's business, in every environment: without this the developer page turns it into a 500.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.AddValidation();
        builder.Services.AddExceptionHandler<ExceptionAnswers>();
    }

    public static void UseProblemAnswers(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // What a client caused is no error of ours, and its log line would be an invitation to fill the disk.
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException or OperationCanceledException,
        });
        app.UseStatusCodePages();
        app.Use(RequireUtf8Json);
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
                error => JsonNamingPolicy.SnakeCaseLower.ConvertName(error.Key), error => error.Value);
        }

        var status = details.Status ?? context.HttpContext.Response.StatusCode;
        var known = Problem.ForStatus(status);
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

    /// <summary>
    /// JSON is UTF-8 (RFC 8259). Kestrel would transcode what it knows and throw on the rest; one clear answer is better.
    /// </summary>
    private static Task RequireUtf8Json(HttpContext context, RequestDelegate next)
    {
        if (Microsoft.Net.Http.Headers.MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            && type.Charset.HasValue
            && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase))
            return Problem.UnsupportedMediaType.Result().ExecuteAsync(context);
        return next(context);
    }

    private sealed class ExceptionAnswers : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken ct)
        {
            var answer = exception switch
            {
                BadHttpRequestException bad => Problem.ForStatus(bad.StatusCode).Result(Sentence(bad)),
                PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => Problem.TimedOut.Result(),
                // Text that PostgreSQL cannot hold slipped past the validators: still the client's doing.
                PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter } => Problem.InvalidRequest.Result(),
                // A pool without a free connection, a server that is starting, stopping, full, or away.
                NpgsqlException or TimeoutException => Problem.Unavailable.Result(),
                _ => null,
            };
            if (answer is null)
                return false;
            await answer.ExecuteAsync(context);
            return true;
        }

        /// <summary>What was wrong, without the names of our types that the framework's own sentences carry.</summary>
        private static string? Sentence(BadHttpRequestException bad) => bad switch
        {
            { InnerException: JsonException { Path: { Length: > 1 } path } } => $"The body is not the JSON that is expected here: see {path}.",
            { InnerException: JsonException json } => $"The body is not valid JSON (line {json.LineNumber + 1}, byte {json.BytePositionInLine}).",
            { StatusCode: 400 } when bad.Message.Contains("parameter \"", StringComparison.Ordinal) =>
                bad.Message.Contains("body", StringComparison.Ordinal)
                    ? "A JSON body is required."
                    : $"The parameter {ParameterName(bad.Message)} cannot be read.",
            _ => null,
        };

        /// <summary><c>Failed to bind parameter "int? limit" from "x".</c>: the name is the last word between the first quotes.</summary>
        private static string ParameterName(string message) =>
            JsonNamingPolicy.SnakeCaseLower.ConvertName(message.Split('"')[1].Split(' ')[^1]);
    }
}
