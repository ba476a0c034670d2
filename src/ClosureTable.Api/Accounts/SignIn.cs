using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>
/// Checks who signs in with an address and a password, and slows down guessing: failed logins are counted per address and per client, in
/// the table <c>auth_login_failures</c>, so that several instances count as one.
/// </summary>
internal sealed class SignIn(NpgsqlDataSource primary, Passwords passwords, UserRepository users, IOptions<AuthenticationOptions> options)
{
    /// <summary>Counts an attempt as failed before the password is looked at: a thousand guesses at once must not pass together.</summary>
    /// <returns>How long to wait, or null when the attempt may go on.</returns>
    public async Task<TimeSpan?> Wait(string email, string client, CancellationToken ct)
    {
        var settings = options.Value;
        // A client without an address cannot be told from others: all of them would wait for one.
        string[] clients = client.Length > 0 ? [ClientKey(client)] : [];
        await using var connection = await primary.OpenConnectionAsync(ct);
        var counts = await connection.QueryAsync<(string Key, int Failures, TimeSpan Wait)>($"""
            insert into auth_login_failures as f (key, failures, resets_at)
            select key, 1, now() + @window
            from unnest(array[{AddressKey}] || @clients) key
            order by key -- all transactions lock in one order
            on conflict (key) do update set
              failures  = case when f.resets_at > now() then least(f.failures + 1, 1000000) else 1 end,
              resets_at = case when f.resets_at > now() then f.resets_at else excluded.resets_at end
            returning key, failures, resets_at - now() as wait
            """, new { email, clients, window = settings.FailedLoginWindow }, ct);
        return counts
            .Where(count => count.Failures > (clients.Contains(count.Key) ? settings.FailedLoginsPerClient : settings.FailedLoginsPerAddress))
            .Max(count => (TimeSpan?)count.Wait);
    }

    /// <summary>Checks a password, and hashes it again where the stored hash is outdated.</summary>
    public async Task<Outcome<Credentials>> Check(string email, string password, string client, CancellationToken ct)
    {
        var user = await users.FindCredentials(email, ct);
        var check = await passwords.Verify(user?.PasswordHash, password, ct);
        if (check == PasswordCheck.Busy)
            return Problem.Busy;
        if (check == PasswordCheck.Wrong || user is null)
            return Problem.InvalidCredentials;

        await Forgive(email, client, ct);
        if (user.Disabled)
            return Problem.AccountDisabled;
        if (check == PasswordCheck.RightButOutdated && await passwords.Hash(password, ct) is { } hash)
            await users.ReplacePasswordHash(user.Id, hash, ct);
        return user;
    }

    /// <summary>The password was right: the address starts afresh, and the client has one failure less.</summary>
    private Task Forgive(string email, string client, CancellationToken ct) =>
        primary.Once(connection => connection.ExecuteAsync($"""
            delete from auth_login_failures where key = {AddressKey};

            update auth_login_failures set failures = failures - 1 where key = @client and failures > 0
            """, new { email, client = ClientKey(client) }, ct), ct);

    /// <summary>Hashed, because passwords are typed here by mistake; folded as the account is found, or each spelling would have guesses of its own.</summary>
    private const string AddressKey = "'address ' || encode(sha256(convert_to(lower(@email), 'UTF8')), 'hex')";

    private static string ClientKey(string client) => "client " + client;
}
