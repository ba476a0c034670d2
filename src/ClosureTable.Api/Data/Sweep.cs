namespace ClosureTable.Api.Data;

/// <summary>Periodically deletes expired rows.</summary>
internal abstract class Sweep(TimeSpan interval, ILogger logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await Run(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                logger.LogWarning("{Sweep} failed; the next round tries again: {Reason}", GetType().Name, exception.Message);
            }
        }
    }

    /// <returns>The number of deleted rows.</returns>
    public abstract Task<int> Run(CancellationToken ct);

    /// <summary>Deletes in small transactions, so that locks are short.</summary>
    /// <param name="batch">Deletes some rows and returns their number; 0 if none are left.</param>
    protected static async Task<int> InBatches(Func<Task<int>> batch)
    {
        for (var total = 0; ;)
        {
            var deleted = await batch();
            total += deleted;
            if (deleted == 0)
                return total;
        }
    }
}

internal static class SweepRegistration
{
    public static void AddSweep<T>(this IServiceCollection services) where T : Sweep
    {
        services.AddSingleton<T>();
        services.AddHostedService(provider => provider.GetRequiredService<T>());
    }
}
