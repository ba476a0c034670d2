using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Accounts;

internal enum PasswordCheck
{
    Wrong,
    Right,

    /// <summary>Right, but hashed at an older cost: hash it anew while it is known.</summary>
    RightButOutdated,

    /// <summary>Not looked at: too many are waiting.</summary>
    Busy,
}

/// <summary>
/// Hashes passwords at the cost that OWASP asks of PBKDF2-HMAC-SHA512. That is 100 ms and more of a core on purpose, so
/// at most half of the cores do it at a time and a bounded number of requests waits: a storm of logins leaves the
/// readers their cores.
/// </summary>
internal sealed class Passwords : IDisposable
{
    private const int Iterations = 210_000;

    private readonly PasswordHasher<User> hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Iterations }));
    private readonly ConcurrencyLimiter cores = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = Math.Max(1, Environment.ProcessorCount / 2),
        QueueLimit = 16 * Environment.ProcessorCount,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <returns>The hash with its salt and cost, or null when too many are waiting.</returns>
    public async Task<string?> Hash(string password, CancellationToken ct)
    {
        using var core = await cores.AcquireAsync(cancellationToken: ct);
        return core.IsAcquired ? hasher.HashPassword(null!, password) : null;
    }

    /// <param name="hash">Null where there is no such account: the answer is Wrong, after as much work as for a real one.</param>
    /// <param name="password">What was typed.</param>
    /// <param name="ct">Stops waiting.</param>
    public async Task<PasswordCheck> Verify(string? hash, string password, CancellationToken ct)
    {
        using var core = await cores.AcquireAsync(cancellationToken: ct);
        if (!core.IsAcquired)
            return PasswordCheck.Busy;
        if (hash is null)
        {
            hasher.HashPassword(null!, password);
            return PasswordCheck.Wrong;
        }

        return hasher.VerifyHashedPassword(null!, hash, password) switch
        {
            PasswordVerificationResult.Success => PasswordCheck.Right,
            PasswordVerificationResult.SuccessRehashNeeded => PasswordCheck.RightButOutdated,
            _ => PasswordCheck.Wrong,
        };
    }

    public void Dispose() => cores.Dispose();
}
