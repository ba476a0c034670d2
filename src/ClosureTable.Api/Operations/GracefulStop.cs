using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Operations;

/// <summary>The section <c>Stop</c> of the configuration.</summary>
internal sealed record StopOptions
{
    /// <summary>
    /// How long a stopping instance reports "not ready" but accepts requests: as long as the load balancer needs to notice. Zero without
    /// one.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", ErrorMessage = "Stop__ReadinessDelay must be from 00:00:00 to 00:05:00.")]
    public TimeSpan ReadinessDelay { get; init; }
}

/// <summary>
/// Stops in this order: report "not ready" and keep serving, end the streams, whose clients resume elsewhere, close the listener, finish
/// the requests in progress.
/// </summary>
internal sealed class GracefulStop(IOptions<StopOptions> options) : IHostedLifecycleService, IHealthCheck, IDisposable
{
    private readonly CancellationTokenSource closing = new();
    private volatile bool stopping;

    /// <summary>Cancelled just before the listener closes, to end responses that would never end by themselves.</summary>
    public CancellationToken Closing => closing.Token;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        stopping = true;
        await Task.Delay(options.Value.ReadinessDelay, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await closing.CancelAsync();
    }

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(stopping ? HealthCheckResult.Unhealthy("This instance is stopping.") : HealthCheckResult.Healthy());

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => closing.Dispose();
}

internal static class GracefulStopRegistration
{
    public static void AddGracefulStop(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<StopOptions>().BindConfiguration("Stop").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<GracefulStop>();
        builder.Services.AddHostedService(services => services.GetRequiredService<GracefulStop>());
        builder.Services.AddHealthChecks().AddCheck<GracefulStop>("stop");
        // The delay is added to the host's timeout, so that requests in progress have all of it.
        builder.Services.AddOptions<HostOptions>().PostConfigure<IOptions<StopOptions>>((host, stop) => host.ShutdownTimeout += stop.Value.ReadinessDelay);
    }
}
