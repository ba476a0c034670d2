using Dapper;
using Npgsql;

namespace ClosureTable.Api.Accounts;

/// <summary>What a login needs of an account.</summary>
internal sealed record Credentials
{
    public long Id { get; init; }

    public string Name { get; init; } = "";

    public string Role { get; init; } = "";

    public string PasswordHash { get; init; } = "";

    public bool Disabled { get; init; }
}

/// <summary>The table <c>auth_users</c>.</summary>
internal sealed class UserRepository(NpgsqlDataSource database)
{
    /// <returns>The new account, or null when the address is taken.</returns>
    public async Task<User?> Register(string email, string name, string passwordHash, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await connection.QuerySingleOrDefaultAsync<User>(new CommandDefinition(
            """
            insert into auth_users (email, name, password_hash)
            values (@email, @name, @passwordHash)
            on conflict (lower(email)) where issuer is null do nothing
            returning id, name, email, role, created_at
            """,
            new { email, name, passwordHash }, cancellationToken: ct));
    }

    /// <returns>The account, or null when there is none or it is disabled.</returns>
    public async Task<User?> Find(long id, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await connection.QuerySingleOrDefaultAsync<User>(new CommandDefinition(
            """
            select id, name, email, role, created_at
            from auth_users
            where id = @id and disabled_at is null
            """,
            new { id }, cancellationToken: ct));
    }

    /// <returns>What proves a login with the address, or null when nobody registered it.</returns>
    public async Task<Credentials?> FindCredentials(string email, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        return await connection.QuerySingleOrDefaultAsync<Credentials>(new CommandDefinition(
            """
            select id, name, role, password_hash, disabled_at is not null as disabled
            from auth_users
            where lower(email) = lower(@email) and issuer is null
            """,
            new { email }, cancellationToken: ct));
    }

    public async Task ReplacePasswordHash(long id, string passwordHash, CancellationToken ct)
    {
        await using var connection = await database.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(new CommandDefinition(
            "update auth_users set password_hash = @passwordHash where id = @id",
            new { id, passwordHash }, cancellationToken: ct));
    }
}
