using ClosureTable.Api.Http;

namespace ClosureTable.Api.Accounts;

/// <summary>Checks who signs in with an address and a password.</summary>
internal sealed class SignIn(LoginThrottle throttle, Passwords passwords, UserRepository users)
{
    /// <inheritdoc cref="LoginThrottle.Count"/>
    public Task<TimeSpan?> Wait(string email, string client, CancellationToken ct) => throttle.Count(email, client, ct);

    /// <summary>Checks a password, and hashes it again where the stored hash is outdated.</summary>
    public async Task<Outcome<Credentials>> Check(string email, string password, string client, CancellationToken ct)
    {
        var user = await users.FindCredentials(email, ct);
        var check = await passwords.Verify(user?.PasswordHash, password, ct);
        if (check == PasswordCheck.Busy)
            return Problem.Busy;
        if (check == PasswordCheck.Wrong || user is null)
            return Problem.InvalidCredentials;

        await throttle.Forgive(email, client, ct);
        if (user.Disabled)
            return Problem.AccountDisabled;
        if (check == PasswordCheck.RightButOutdated && await passwords.Hash(password, ct) is { } hash)
            await users.ReplacePasswordHash(user.Id, hash, ct);
        return user;
    }
}
