using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>Deletes expired refresh tokens and expired counts of failed logins.</summary>
internal sealed class ExpiredSessions(NpgsqlDataSource primary, ILogger<ExpiredSessions> logger) : Sweep(TimeSpan.FromHours(1), logger)
{
    public override Task<int> Run(CancellationToken ct) => primary.Once(connection => connection.ExecuteAsync("""
        delete from auth_refresh_tokens where expires_at < now();

        delete from auth_login_failures where resets_at < now();
        """, null, ct), ct);
}
