using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>Wakes the dispatcher when another instance has committed a write. Uses one dedicated connection per instance.</summary>
internal sealed class NotificationListener(Database database, EventDispatcher dispatcher, ThreadNotifier notifier, ILogger<NotificationListener> logger) : BackgroundService
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = await database.OpenOwn(stoppingToken);
                connection.Notification += (_, notification) =>
                {
                    if (notification.PID != dispatcher.Backend)
                        notifier.Wake();
                };
                await connection.ExecuteAsync($"listen {EventRepository.Channel}", null, stoppingToken);
                // There may have been notifications while it was not listening.
                notifier.Wake();
                while (true)
                    await connection.WaitAsync(stoppingToken);
            }
            catch (NpgsqlException exception)
            {
                // Nothing is lost: the dispatcher also polls.
                logger.LogWarning("Listening for notifications was interrupted and will be retried: {Reason}", exception.Message);
                await Task.Delay(RetryAfter, stoppingToken);
            }
        }
    }
}
