using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>Once an hour, forgets refresh tokens and counts of failed logins that ran out.</summary>
internal sealed class ExpiredSessions(NpgsqlDataSource primary, ILogger<ExpiredSessions> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromHours(1));
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await Sweep(stoppingToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                logger.LogWarning("Could not delete expired sessions; retrying in an hour: {Reason}", exception.Message);
            }
        }
    }

    public async Task Sweep(CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            delete from auth_refresh_tokens where expires_at < now();

            delete from auth_login_failures where resets_at < now()
            """, null, ct);
    }
}
