using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>What a login needs of an account.</summary>
internal sealed record Credentials(long Id, string Name, string Role, string PasswordHash, bool Disabled);

/// <summary>An account, as its operator sees it.</summary>
internal sealed record UserListing(long Id, string? Email, string Name, string Role, string? Issuer, DateTime CreatedAt, DateTime? DisabledAt);

/// <summary>The table <c>auth_users</c>.</summary>
internal sealed class UserRepository(NpgsqlDataSource primary)
{
    /// <returns>The new account, or null when the address is taken.</returns>
    public Task<User?> Register(string email, string name, string passwordHash, CancellationToken ct) =>
        primary.Once(connection => connection.QuerySingleOrDefaultAsync<User>("""
            insert into auth_users (email, name, password_hash)
            values (@email, @name, @passwordHash)
            on conflict (lower(email)) where issuer is null do nothing
            returning id, name, email, role, created_at
            """, new { email, name, passwordHash }, ct), ct);

    /// <returns>The account, or null when there is none or it is disabled.</returns>
    public Task<User?> Find(long id, CancellationToken ct) =>
        primary.Read(connection => connection.QuerySingleOrDefaultAsync<User>("""
            select id, name, email, role, created_at
            from auth_users
            where id = @id and disabled_at is null
            """, new { id }, ct), ct);

    /// <returns>The credentials of the address, or null when it is not registered.</returns>
    public Task<Credentials?> FindCredentials(string email, CancellationToken ct) =>
        primary.Read(connection => connection.QuerySingleOrDefaultAsync<Credentials>("""
            select id, name, role, password_hash, disabled_at is not null as disabled
            from auth_users
            where lower(email) = lower(@email) and issuer is null
            """, new { email }, ct), ct);

    public Task ReplacePasswordHash(long id, string passwordHash, CancellationToken ct) =>
        primary.Once(connection => connection.ExecuteAsync(
            "update auth_users set password_hash = @passwordHash where id = @id", new { id, passwordHash }, ct), ct);

    /// <summary>The account of a user of another issuer, created when first seen.</summary>
    /// <returns>The account, or null when it is disabled.</returns>
    public async Task<User?> FindOrCreateExternal(string issuer, string subject, string name, string? email, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        var user = await FindExternal(connection, issuer, subject, ct);
        if (user is null)
        {
            // Of two first requests at once, one inserts and both read what it wrote; a disabled account stays as it is.
            await connection.ExecuteAsync(
                """
                insert into auth_users (issuer, subject, name, email)
                values (@issuer, @subject, @name, @email)
                on conflict on constraint auth_users_external_key do nothing
                """,
                new { issuer, subject, name, email }, ct);
            user = await FindExternal(connection, issuer, subject, ct);
        }

        return user;
    }

    private static Task<User?> FindExternal(NpgsqlConnection connection, string issuer, string subject, CancellationToken ct) =>
        connection.QuerySingleOrDefaultAsync<User>(
            """
            select id, name, email, role, created_at
            from auth_users
            where issuer = @issuer and subject = @subject and disabled_at is null
            """,
            new { issuer, subject }, ct);

    /// <summary>All accounts, in the order of registration.</summary>
    public Task<IEnumerable<UserListing>> List(CancellationToken ct) =>
        primary.Read(connection => connection.QueryAsync<UserListing>("""
            select id, email, name, role, issuer, created_at, disabled_at
            from auth_users
            order by id
            """, null, ct), ct);

    /// <param name="user">The address that was registered, in any case, or the id.</param>
    /// <param name="role">One of <see cref="Roles"/>.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>Whether there is such a user.</returns>
    public async Task<bool> SetRole(string user, string role, CancellationToken ct) =>
        1 == await primary.Once(connection => connection.ExecuteAsync("""
            update auth_users set role = @role
            where lower(email) = lower(@user) and issuer is null or id::text = @user
            """, new { user, role }, ct), ct);

    /// <summary>Locks an account out or lets it in again. Either way its sessions end, also one that a login beside this began.</summary>
    /// <inheritdoc cref="SetRole" path="/param[@name='user']"/>
    /// <returns>Whether there is such a user.</returns>
    public async Task<bool> SetDisabled(string user, bool disabled, CancellationToken ct) =>
        await primary.Once(connection => connection.ExecuteScalarAsync<long?>(
            // Two statements of one transaction: the second, whose snapshot is younger than the wait for the user's row,
            // sees the token of a refresh that was faster.
            """
            update auth_users set disabled_at = case when @disabled then coalesce(disabled_at, now()) end
            where lower(email) = lower(@user) and issuer is null or id::text = @user
            returning id;

            update auth_refresh_tokens t set revoked_at = now()
            from auth_users u
            where u.id = t.user_id and t.revoked_at is null and (lower(u.email) = lower(@user) and u.issuer is null or u.id::text = @user)
            """,
            new { user, disabled }, ct), ct) is not null;
}
