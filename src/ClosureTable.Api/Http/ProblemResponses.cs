using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Http;

/// <summary>Answers every failure with a problem of one shape.</summary>
internal static class ProblemResponses
{
    public static void AddProblemResponses(this IHostApplicationBuilder builder)
    {
        // Before the framework's own, which is silent where a client accepts, say, event streams only.
        builder.Services.AddSingleton<IProblemDetailsWriter, ProblemWriter>();
        builder.Services.AddProblemDetails();
        // In every environment, so that BadRequestHandler can say what is wrong with the request.
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.AddValidation();
        builder.Services.AddExceptionHandler<BadRequestHandler>();
    }

    public static void UseProblemResponses(this IApplicationBuilder app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            // Bad requests are not errors of the service, and logging each would let clients fill the disk.
            // Other handled exceptions are in the request log.
            SuppressDiagnosticsCallback = context =>
                context.ExceptionHandledBy == ExceptionHandledType.ExceptionHandlerService || context.Exception is OperationCanceledException,
        });
        app.UseStatusCodePages();
        app.Use(RequireUtf8Json);
    }

    /// <summary>
    /// JSON is UTF-8 (RFC 8259). The framework transcodes the charsets that it knows and throws on others, and on quoted ones,
    /// which are allowed: so UTF-8 is removed from the header, and other charsets are refused.
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

    /// <summary>Completes problems and sends them regardless of <c>Accept</c>: any format is better than no reason (RFC 9110, 12.4.1).</summary>
    private sealed class ProblemWriter : IProblemDetailsWriter
    {
        public bool CanWrite(ProblemDetailsContext context) => true;

        public async ValueTask WriteAsync(ProblemDetailsContext context)
        {
            Complete(context);
            await context.HttpContext.Response.WriteAsJsonAsync(
                context.ProblemDetails, context.ProblemDetails.GetType(), options: null, "application/problem+json", context.HttpContext.RequestAborted);
        }

        /// <summary>Adds what every problem has: title, code, the article's <c>error</c>, the trace id, and field names in snake_case.</summary>
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
            // RFC 9110, 15.5.2: a 401 names a scheme. What the scheme wrote about a bad token stays.
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
            await Unreadable.Answer(context, context.Features.Get<IExceptionHandlerFeature>()!, bad).ExecuteAsync(context);
            return true;
        }
    }
}

/// <summary>What was wrong with a request that could not be bound. The framework's message names C# types: the parameters are parsed again.</summary>
internal static class Unreadable
{
    public static IResult Answer(HttpContext context, IExceptionHandlerFeature failed, BadHttpRequestException bad) => bad switch
    {
        { StatusCode: not StatusCodes.Status400BadRequest } => Problem.ForStatus(bad.StatusCode).Result(),
        { InnerException: JsonException json } => Answer(json),
        _ when Parameter(context.Request, failed) is { } invalid => invalid,
        _ when failed.Endpoint?.Metadata.GetMetadata<IAcceptsMetadata>() is not null => Problem.InvalidRequest.Result("A JSON body is required."),
        _ => Problem.InvalidRequest.Result(),
    };

    private static IResult Answer(JsonException json) => json switch
    {
        // The reader's own exception, wrapped by the serializer: this is not JSON.
        { InnerException: JsonException } =>
            Problem.InvalidRequest.Result($"The body is not valid JSON (line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1})."),
        { Path: ['$', '.', .. var field] } when field.All(character => character is '_' or (>= 'a' and <= 'z')) =>
            Problem.Invalid(field, "Has the wrong type; see the API document."),
        _ => Problem.InvalidRequest.Result("The body is not the JSON object that this operation expects; see the API document."),
    };

    private static ValidationProblem? Parameter(HttpRequest request, IExceptionHandlerFeature failed)
    {
        foreach (var parameter in failed.Endpoint?.Metadata.OfType<IParameterBindingMetadata>() ?? [])
        {
            var attributes = parameter.ParameterInfo.GetCustomAttributes(inherit: true);
            var sent = attributes.OfType<IFromHeaderMetadata>().FirstOrDefault() is { } header
                ? request.Headers[header.Name ?? parameter.Name]
                : request.Query[attributes.OfType<IFromQueryMetadata>().FirstOrDefault()?.Name ?? parameter.Name];
            var sentence = (Nullable.GetUnderlyingType(parameter.ParameterInfo.ParameterType) ?? parameter.ParameterInfo.ParameterType, sent) switch
            {
                (var type, []) => type == typeof(string) && !parameter.IsOptional && failed.RouteValues?.ContainsKey(parameter.Name) != true ? RequiredAttribute.Sentence : null,
                (var type, _) when type == typeof(int) && !int.TryParse(sent.ToString(), CultureInfo.InvariantCulture, out _) =>
                    attributes.OfType<NumberAttribute>().Single().FormatErrorMessage(parameter.Name),
                (var type, _) when type == typeof(bool) && !bool.TryParse(sent.ToString(), out _) => "Must be true or false.",
                _ => null,
            };
            if (sentence is not null)
                return Problem.Invalid(parameter.Name, sentence);
        }

        return null;
    }
}
