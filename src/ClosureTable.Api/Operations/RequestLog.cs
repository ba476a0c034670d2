using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Operations;

/// <summary>The section <c>RequestLog</c>.</summary>
internal sealed record RequestLogOptions
{
    public const string Section = "RequestLog";

    /// <summary>Slower requests are logged, except event streams.</summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "01:00:00", ErrorMessage = "RequestLog__SlowerThan must be between 00:00:00.001 and 01:00:00.")]
    public TimeSpan SlowerThan { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>
/// Logs requests that failed through the service's fault or were slow. It names the route, never the path, query, headers, body or
/// address, which may contain personal data.
/// </summary>
internal static partial class RequestLog
{
    public static void AddRequestLog(this IHostApplicationBuilder builder) =>
        builder.Services.AddOptions<RequestLogOptions>().BindConfiguration(RequestLogOptions.Section).ValidateDataAnnotations().ValidateOnStart();

    /// <summary>Runs first, to measure the whole request.</summary>
    public static void UseRequestLog(this IApplicationBuilder app)
    {
        var logger = app.ApplicationServices.GetRequiredService<ILoggerFactory>().CreateLogger("ClosureTable.Requests");
        var slowerThan = app.ApplicationServices.GetRequiredService<IOptions<RequestLogOptions>>().Value.SlowerThan;
        app.Use(async (context, next) =>
        {
            var started = Stopwatch.GetTimestamp();
            await next(context);
            var took = Stopwatch.GetElapsedTime(started);
            var status = context.Response.StatusCode;
            if (status >= 500)
                // The exception handler leaves the exception here; its own log line would be a duplicate with less detail.
                Failed(logger, context.Features.Get<IExceptionHandlerFeature>()?.Error,
                    context.Request.Method, RouteOf(context), status, Milliseconds(took), context.User.UserId, Problem.TraceId(context));
            else if (took > slowerThan && context.Response.ContentType != "text/event-stream")
                Slow(logger, context.Request.Method, RouteOf(context), status, Milliseconds(took), context.User.UserId, Problem.TraceId(context));
        });
    }

    /// <summary>The matched pattern, such as <c>/comments/{id:long}</c>; a dash if none.</summary>
    public static string RouteOf(HttpContext context)
    {
        // The exception handler resets the endpoint but keeps it here.
        var endpoint = context.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? context.GetEndpoint();
        return (endpoint as RouteEndpoint)?.RoutePattern.RawText ?? "-";
    }

    private static double Milliseconds(TimeSpan took) => Math.Round(took.TotalMilliseconds, 1);

    [LoggerMessage(1, LogLevel.Error, "{Method} {Route} answered {Status} after {Milliseconds} ms; user {UserId}, trace {TraceId}")]
    private static partial void Failed(
        ILogger logger, Exception? exception, string method, string route, int status, double milliseconds, long? userId, string traceId);

    [LoggerMessage(2, LogLevel.Warning, "{Method} {Route} answered {Status}, only after {Milliseconds} ms; user {UserId}, trace {TraceId}")]
    private static partial void Slow(
        ILogger logger, string method, string route, int status, double milliseconds, long? userId, string traceId);
}
