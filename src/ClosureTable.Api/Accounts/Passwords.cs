using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Cryptography.KeyDerivation;
using Microsoft.AspNetCore.Identity;

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
/// Hashes passwords at the cost that OWASP asks of PBKDF2-HMAC-SHA512, 100 ms and more of a core: at most half of the cores do it at a time,
/// and a bounded number of requests waits, so that a storm of logins leaves the readers their cores.
/// </summary>
internal sealed class Passwords(IPasswordHasher<User> hasher) : IDisposable
{
    public const int Iterations = 210_000;

    private readonly string dummyHash = DummyHash();
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
        return hasher.VerifyHashedPassword(null!, hash ?? dummyHash, password) switch
        {
            PasswordVerificationResult.Success => PasswordCheck.Right,
            PasswordVerificationResult.SuccessRehashNeeded => PasswordCheck.RightButOutdated,
            _ => PasswordCheck.Wrong,
        };
    }

    /// <summary>Of today's cost, in the framework's format, and of no password: random bytes, and not made by hashing, which would hold up the start.</summary>
    private static string DummyHash()
    {
        const int Header = 13, Salt = 16, Key = 32;
        var hash = RandomNumberGenerator.GetBytes(Header + Salt + Key);
        hash[0] = 1; // version 3 of the format
        BinaryPrimitives.WriteUInt32BigEndian(hash.AsSpan(1), (uint)KeyDerivationPrf.HMACSHA512);
        BinaryPrimitives.WriteUInt32BigEndian(hash.AsSpan(5), Iterations);
        BinaryPrimitives.WriteUInt32BigEndian(hash.AsSpan(9), Salt);
        return Convert.ToBase64String(hash);
    }

    public void Dispose() => cores.Dispose();
}
