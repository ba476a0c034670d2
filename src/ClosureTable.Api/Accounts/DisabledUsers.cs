using System.Collections.Frozen;
using ClosureTable.Api.Data;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>Who was disabled while an access token of theirs may still be about: asked every two seconds, so that no request has to.</summary>
internal sealed class DisabledUsers(NpgsqlDataSource primary, IOptions<AuthenticationOptions> options, ILogger<DisabledUsers> logger) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private volatile FrozenSet<long> ids = [];

    public bool Contains(long userId) => ids.Contains(userId);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval);
        var failing = false;
        do
        {
            try
            {
                await Refresh(stoppingToken);
                failing = false;
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                // What is known stays known, and the host must not stop for it. Said once: readiness goes on telling.
                if (!failing)
                    logger.LogWarning("Could not read the disabled users; retrying: {Reason}", exception.Message);
                failing = true;
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task Refresh(CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        // An hour more than a token lives: the database's clock and ours may differ.
        ids = (await connection.QueryAsync<long>(
            "select id from auth_users where disabled_at > now() - @lifetime - interval '1 hour'",
            new { lifetime = options.Value.AccessTokenLifetime }, ct)).ToFrozenSet();
    }
}
