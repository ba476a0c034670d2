using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.Extensions.Options;
using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ClosureTable.Api.Operations;

/// <summary>The section <c>Metrics</c>: what Prometheus reads at <c>/metrics</c>.</summary>
internal sealed record MetricsOptions
{
    public const string Section = "Metrics";

    /// <summary>Whether anything is measured for Prometheus at all.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>
    /// An address of its own, as in <c>http://10.0.0.5:9464</c> or <c>http://+:9464</c>, where <c>/metrics</c> is answered to everybody, and nothing else is.
    /// Null: at the service's own address, to this machine alone. Where <c>Kestrel:Endpoints</c> lists the addresses, this one must be among them.
    /// </summary>
    public string? Url { get; init; }
}

/// <summary>
/// The service seen from outside: metrics for whoever scrapes <c>/metrics</c>, metrics and traces by OTLP where
/// <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names a collector. The exporter's own variables (<c>OTEL_*</c>) hold as its documentation has them.
/// </summary>
internal static class Telemetry
{
    private const string Path = "/metrics";

    public static void AddTelemetry(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<MetricsOptions>().BindConfiguration(MetricsOptions.Section)
            .Validate(settings => settings.Url is null || Port(settings.Url) > 0,
                "Metrics__Url must be an http address with a port, as in http://10.0.0.5:9464.")
            .ValidateOnStart();
        var metrics = builder.Configuration.GetSection(MetricsOptions.Section).Get<MetricsOptions>() ?? new();
        var collector = !string.IsNullOrEmpty(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        if (metrics is { Enabled: true, Url: { } url })
            builder.WebHost.UseUrls([url, .. OtherAddresses(builder.Configuration)]);
        if (!collector && !metrics.Enabled)
            return;

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("closuretable", serviceVersion: typeof(Program).Assembly.GetName().Version?.ToString(3)))
            .WithMetrics(meters =>
            {
                meters.AddMeter(Instruments.MeterName, "Npgsql", "System.Runtime", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel");
                meters.AddView(instrument => IsWorthIt(instrument) ? null : MetricStreamConfiguration.Drop);
                meters.AddView("closuretable.comments.depth", new ExplicitBucketHistogramConfiguration { Boundaries = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 100, 1000] });
                if (metrics.Enabled)
                    meters.AddPrometheusExporter();
                if (collector)
                    meters.AddOtlpExporter();
            });
        if (collector)
            telemetry.WithTracing(traces => traces
                // The path may hold what somebody searched for; the route says which question it was.
                .AddAspNetCoreInstrumentation(options => options.EnrichWithHttpResponse = (activity, response) =>
                    activity.SetTag("url.path", RequestLog.RouteOf(response.HttpContext)))
                // The statements, with placeholders: never the values.
                .AddNpgsql()
                .AddOtlpExporter());
    }

    /// <summary>
    /// Of what the framework and Npgsql measure at each request or command, what a dashboard asks for: an answer from the
    /// cache takes some 90 µs, of which all of their instruments together would be a tenth.
    /// </summary>
    private static bool IsWorthIt(Instrument instrument) => instrument.Meter.Name switch
    {
        "Npgsql" => instrument.Name is "db.client.operation.duration" or "db.client.connection.count" or "db.client.connection.max",
        "Microsoft.AspNetCore.Hosting" => instrument.Name is "http.server.request.duration",
        "Microsoft.AspNetCore.Server.Kestrel" => instrument.Name is "kestrel.active_connections",
        _ => true,
    };

    /// <summary>Stands before authentication and rate limits, which a scraper has nothing to do with.</summary>
    public static void UseMetrics(this WebApplication app)
    {
        var settings = app.Services.GetRequiredService<IOptions<MetricsOptions>>().Value;
        if (!settings.Enabled)
            return;
        if (settings.Url is null)
        {
            app.UseOpenTelemetryPrometheusScrapingEndpoint(context => context.Request.Path == Path && FromThisMachine(context));
            return;
        }

        var port = Port(settings.Url);
        app.UseOpenTelemetryPrometheusScrapingEndpoint(context => context.Request.Path == Path && context.Connection.LocalPort == port);
        app.Use((context, next) =>
        {
            if (context.Connection.LocalPort != port)
                return next(context);
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    /// <summary>
    /// A proxy on this machine speaks for others: whatever it forwards is not from here, whether it may be believed
    /// otherwise or not. One that adds no header is known by the name that its clients asked for.
    /// </summary>
    private static bool FromThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && IsLoopback(context.Request.Host)
        && !context.Request.Headers.Keys.Any(header => header is "Forwarded" or "Via" or "X-Real-IP"
            || header.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || header.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase));

    private static bool IsLoopback(HostString host) =>
        host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.Host, out var address) && IPAddress.IsLoopback(address);

    /// <summary>Addresses win over mere ports, which therefore have to be written as addresses.</summary>
    private static string[] OtherAddresses(IConfiguration configuration)
    {
        return configuration["urls"] is { Length: > 0 }
            ? List("urls")
            : [.. List("http_ports").Select(port => $"http://*:{port}"), .. List("https_ports").Select(port => $"https://*:{port}")];

        string[] List(string key) => configuration[key]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
    }

    /// <returns>0 where the text is no such address.</returns>
    private static int Port(string url)
    {
        try
        {
            return BindingAddress.Parse(url) is { Scheme: "http", IsUnixPipe: false, IsNamedPipe: false } address ? address.Port : 0;
        }
        catch (FormatException)
        {
            return 0;
        }
    }
}
