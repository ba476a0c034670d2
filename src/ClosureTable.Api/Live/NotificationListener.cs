using ClosureTable.Api.Data;

namespace ClosureTable.Api.Live;

/// <summary>Wakes the dispatcher when another instance has committed a write. Uses one dedicated connection per instance.</summary>
internal sealed class NotificationListener(Database database, EventDispatcher dispatcher, ThreadNotifier notifier) : BackgroundService
{
    // Nothing is lost while the connection is broken: the dispatcher also polls.
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => database.KeepConnected(
        "Listening for notifications",
        async connection =>
        {
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
        },
        stoppingToken);
}
