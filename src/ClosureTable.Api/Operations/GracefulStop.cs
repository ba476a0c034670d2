using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Operations;

/// <summary>The section <c>Stop</c> of the configuration, or variables such as <c>Stop__ReadinessDelay</c>.</summary>
internal sealed record StopOptions
{
    /// <summary>
    /// How long a stopping instance says that it is not ready, and goes on taking requests, before it closes its listener:
    /// as long as a load balancer needs to notice. Zero where nobody asks.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", ErrorMessage = "Stop__ReadinessDelay must be from 00:00:00 to 00:05:00.")]
    public TimeSpan ReadinessDelay { get; init; }
}

/// <summary>
/// A stop in the order in which nobody loses anything: not ready any more, while everything is served as before; then the
/// streams end, whose clients go on at another instance; then the listener closes, and what is under way is finished.
/// </summary>
internal sealed class GracefulStop(IOptions<StopOptions> options) : IHostedLifecycleService, IHealthCheck, IDisposable
{
    private readonly CancellationTokenSource closing = new();
    private volatile bool stopping;

    /// <summary>Cancelled when the listener is about to close: what would otherwise never end must end now.</summary>
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
        // The host's patience begins with the delay; what is under way is to have all of it.
        builder.Services.AddOptions<HostOptions>().PostConfigure<IOptions<StopOptions>>((host, stop) => host.ShutdownTimeout += stop.Value.ReadinessDelay);
    }
}
