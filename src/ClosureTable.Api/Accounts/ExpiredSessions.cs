using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>Once an hour, forgets refresh tokens and counts of failed logins that ran out.</summary>
internal sealed class ExpiredSessions(NpgsqlDataSource primary, ILogger<ExpiredSessions> logger) : Sweep(TimeSpan.FromHours(1), logger)
{
    public override async Task<int> Run(CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("""
            delete from auth_refresh_tokens where expires_at < now();

            delete from auth_login_failures where resets_at < now();
            """, null, ct);
    }
}
