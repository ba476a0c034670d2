using System.Security.Cryptography;
using System.Text;
using ClosureTable.Api.Data;
using Dapper;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>A new refresh token, of which only a hash is stored, and its user.</summary>
internal sealed record RefreshedSession(long UserId, string Name, string Role, string RefreshToken);

/// <summary>
/// Sessions: a login starts a family of refresh tokens, each refresh spends one and adds the next, and the use of a spent
/// one, which must have been copied, ends the family. The table <c>auth_refresh_tokens</c>.
/// </summary>
internal sealed class SessionRepository(NpgsqlDataSource primary, IOptions<AuthenticationOptions> options)
{
    /// <returns>The refresh token of a new session.</returns>
    public async Task<string> Start(long userId, CancellationToken ct)
    {
        var refreshToken = NewToken();
        await primary.Once(connection => connection.ExecuteAsync("""
            insert into auth_refresh_tokens (token_hash, family_id, user_id, expires_at)
            values (@hash, gen_random_uuid(), @userId, now() + @lifetime)
            """, new { hash = Hash(refreshToken), userId, lifetime = options.Value.RefreshTokenLifetime }, ct), ct);
        return refreshToken;
    }

    /// <summary>Spends a token and makes the next. Of two requests with one token the second ends the family, as a stolen token would.</summary>
    /// <returns>The session, or null when the token is not valid: unknown, spent, revoked, expired, or its account disabled.</returns>
    public async Task<RefreshedSession?> Refresh(string refreshToken, CancellationToken ct)
    {
        var hash = Hash(refreshToken);
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // The user's row is the lock of all sessions of the user: were only the token locked, a reuse that ends the family could
        // miss the token that a refresh beside it is about to add. The token is read by a statement of its own, whose
        // snapshot is younger than the wait. No writer of comments waits: their foreign keys take "for key share".
        await using var found = await connection.QueryMultipleAsync(
            """
            select u.id, u.name, u.role, u.disabled_at is not null as disabled
            from auth_users u
            where u.id = (select t.user_id from auth_refresh_tokens t where t.token_hash = @hash)
            for no key update;

            select family_id, spent_at is not null as spent, revoked_at is not null or expires_at <= now() as over
            from auth_refresh_tokens
            where token_hash = @hash
            """,
            new { hash }, ct);
        var user = await found.ReadSingleOrDefaultAsync<SessionUser>();
        var token = await found.ReadSingleOrDefaultAsync<RefreshToken>();
        if (user is null || token is null)
            return null;

        if (token.Spent)
        {
            await connection.ExecuteAsync(
                "update auth_refresh_tokens set revoked_at = now() where family_id = @FamilyId and revoked_at is null",
                new { token.FamilyId }, ct);
            await transaction.CommitForGood();
            return null;
        }

        if (token.Over || user.Disabled)
            return null;

        var next = NewToken();
        await connection.ExecuteAsync(
            """
            update auth_refresh_tokens set spent_at = now() where token_hash = @hash;

            insert into auth_refresh_tokens (token_hash, family_id, user_id, expires_at)
            values (@nextHash, @FamilyId, @userId, now() + @lifetime)
            """,
            new { hash, nextHash = Hash(next), token.FamilyId, userId = user.Id, lifetime = options.Value.RefreshTokenLifetime },
            ct);
        await transaction.CommitForGood();
        return new RefreshedSession(user.Id, user.Name, user.Role, next);
    }

    /// <summary>Ends the session that the token belongs to, if any.</summary>
    public async Task End(string refreshToken, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await connection.ExecuteAsync(
            """
            select u.id
            from auth_users u
            where u.id = (select t.user_id from auth_refresh_tokens t where t.token_hash = @hash)
            for no key update;

            update auth_refresh_tokens set revoked_at = now()
            where family_id = (select family_id from auth_refresh_tokens where token_hash = @hash) and revoked_at is null
            """,
            new { hash = Hash(refreshToken) }, ct);
        await transaction.CommitForGood();
    }

    /// <summary>256 random bits: beyond guessing, so that a fast hash is enough to keep it.</summary>
    private static string NewToken() => Base64UrlEncoder.Encode(RandomNumberGenerator.GetBytes(32));

    private static byte[] Hash(string token) => SHA256.HashData(Encoding.UTF8.GetBytes(token));

    private sealed record SessionUser(long Id, string Name, string Role, bool Disabled);

    private sealed record RefreshToken(Guid FamilyId, bool Spent, bool Over);
}
