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

    /// <summary>Whether metrics are collected for Prometheus.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>
    /// A separate address for <c>/metrics</c> alone, such as <c>http://+:9464</c>. Null: at the service's own address, for the local
    /// machine only. If <c>Kestrel:Endpoints</c> is set, this address must be among them.
    /// </summary>
    public string? Url { get; init; }
}

/// <summary>
/// Metrics for Prometheus at <c>/metrics</c>; metrics and traces by OTLP if <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set. The exporter's
/// other <c>OTEL_*</c> variables work too.
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
                // The path may contain search terms; the route identifies the operation.
                .AddAspNetCoreInstrumentation(options => options.EnrichWithHttpResponse = (activity, response) =>
                    activity.SetTag("url.path", RequestLog.RouteOf(response.HttpContext)))
                // The statements with placeholders, never the values.
                .AddNpgsql()
                .AddOtlpExporter());
    }

    /// <summary>
    /// Only the framework's and Npgsql's instruments that the dashboard uses: all of them together would take a tenth of a cached
    /// response.
    /// </summary>
    private static bool IsWorthIt(Instrument instrument) => instrument.Meter.Name switch
    {
        "Npgsql" => instrument.Name is "db.client.operation.duration" or "db.client.connection.count" or "db.client.connection.max",
        "Microsoft.AspNetCore.Hosting" => instrument.Name is "http.server.request.duration",
        "Microsoft.AspNetCore.Server.Kestrel" => instrument.Name is "kestrel.active_connections",
        _ => true,
    };

    /// <summary>Runs before authentication and rate limits, which do not apply to a scraper.</summary>
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
    /// A request forwarded by a local proxy is not local, trusted proxy or not. A proxy that adds no header is recognized by the
    /// requested host.
    /// </summary>
    private static bool FromThisMachine(HttpContext context) =>
        context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address)
        && IsLoopback(context.Request.Host)
        && !context.Request.Headers.Keys.Any(header => header is "Forwarded" or "Via" or "X-Real-IP"
            || header.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || header.StartsWith("X-Original-", StringComparison.OrdinalIgnoreCase));

    private static bool IsLoopback(HostString host) =>
        host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.Host, out var address) && IPAddress.IsLoopback(address);

    /// <summary>URLS overrides bare ports, which must therefore be written as addresses.</summary>
    private static string[] OtherAddresses(IConfiguration configuration)
    {
        return configuration["urls"] is { Length: > 0 }
            ? List("urls")
            : [.. List("http_ports").Select(port => $"http://*:{port}"), .. List("https_ports").Select(port => $"https://*:{port}")];

        string[] List(string key) => configuration[key]?.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [];
    }

    /// <returns>0 if the text is not such an address.</returns>
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
