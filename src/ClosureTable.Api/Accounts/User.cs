namespace ClosureTable.Api.Accounts;

/// <summary>An account, as its owner sees it.</summary>
internal sealed record User
{
    /// <example>3</example>
    public long Id { get; init; }

    /// <summary>The name that stands beside the user's comments.</summary>
    /// <example>Ann</example>
    public string Name { get; init; } = "";

    /// <summary>Null for an account of another issuer that told no address.</summary>
    /// <example>ann@example.org</example>
    public string? Email { get; init; }

    /// <summary><c>user</c> or <c>moderator</c>.</summary>
    /// <example>user</example>
    public string Role { get; init; } = Roles.User;

    public DateTime CreatedAt { get; init; }
}

internal static class Roles
{
    public const string User = "user";
    public const string Moderator = "moderator";
}
