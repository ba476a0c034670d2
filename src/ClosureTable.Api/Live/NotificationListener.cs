using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>Rings when another instance says that it committed something. One connection an instance, which does nothing else.</summary>
internal sealed class NotificationListener(Database database, EventDispatcher tail, ThreadNotifier notifier, ILogger<NotificationListener> logger) : BackgroundService
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
                    if (notification.PID != tail.Backend)
                        notifier.Ring();
                };
                await using (var listen = new NpgsqlCommand($"listen {EventRepository.Channel}", connection))
                    await listen.ExecuteNonQueryAsync(stoppingToken);
                // What was said while nobody listened.
                notifier.Ring();
                while (true)
                    await connection.WaitAsync(stoppingToken);
            }
            catch (NpgsqlException exception)
            {
                // Nothing is lost: the tail looks by itself every few seconds.
                logger.LogWarning("Listening for other instances was interrupted and goes on in a moment: {Reason}", exception.Message);
                await Task.Delay(RetryAfter, stoppingToken);
            }
        }
    }
}
