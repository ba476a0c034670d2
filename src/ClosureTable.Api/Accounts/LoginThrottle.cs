using ClosureTable.Api.Data;
using Dapper;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>
/// Slows down guessing: failed logins are counted per address and per client. The
/// counts are in the database, so that several instances count as one. The table <c>auth_login_failures</c>.
/// </summary>
internal sealed class LoginThrottle(NpgsqlDataSource primary, IOptions<AuthenticationOptions> options)
{
    /// <summary>
    /// Counts an attempt as failed before the password is looked at, so that a thousand guesses at once do not pass
    /// together; <see cref="Forgive"/> takes it back.
    /// </summary>
    /// <returns>How long to wait, or null when the attempt may go on.</returns>
    public async Task<TimeSpan?> Count(string email, string client, CancellationToken ct)
    {
        var settings = options.Value;
        // A client without an address cannot be told from others: all of them would wait for one.
        string[] clients = client.Length > 0 ? [ClientKey(client)] : [];
        await using var connection = await primary.OpenConnectionAsync(ct);
        var counts = await connection.QueryAsync<Failures>(
            $"""
            insert into auth_login_failures as f (key, failures, resets_at)
            select key, 1, now() + @window
            from unnest(array[{AddressKey}] || @clients) key
            order by key -- all transactions lock in one order
            on conflict (key) do update set
              failures  = case when f.resets_at > now() then least(f.failures + 1, 1000000) else 1 end,
              resets_at = case when f.resets_at > now() then f.resets_at else excluded.resets_at end
            returning key, failures as count, resets_at - now() as wait
            """,
            new { email, clients, window = settings.FailedLoginWindow }, ct);
        return counts
            .Where(failures => failures.Count > (clients.Contains(failures.Key) ? settings.FailedLoginsPerClient : settings.FailedLoginsPerAddress))
            .Max(failures => (TimeSpan?)failures.Wait);
    }

    /// <summary>The password was right: the address starts afresh, and the client has one failure less.</summary>
    public async Task Forgive(string email, string client, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            $"""
            delete from auth_login_failures where key = {AddressKey};

            update auth_login_failures set failures = failures - 1 where key = @client and failures > 0
            """,
            new { email, client = ClientKey(client) }, ct);
    }

    /// <summary>
    /// Hashed: what people type by mistake into this field, passwords among it, stays nowhere. Folded by the function that finds
    /// the account: where two disagree on one letter, as on the Turkish I, each spelling would have guesses of its own.
    /// </summary>
    private const string AddressKey = "'address ' || encode(sha256(convert_to(lower(@email), 'UTF8')), 'hex')";

    private static string ClientKey(string client) => "client " + client;

    private sealed record Failures
    {
        public string Key { get; init; } = "";

        public int Count { get; init; }

        public TimeSpan Wait { get; init; }
    }
}
