namespace ClosureTable.Api.Accounts;

/// <summary>An account, as its owner sees it.</summary>
internal sealed record User
{
    /// <summary>The user's number.</summary>
    /// <example>3</example>
    public required long Id { get; init; }

    /// <summary>The name that stands beside the user's comments.</summary>
    /// <example>Ann</example>
    public required string Name { get; init; }

    /// <summary>Null for an account of another issuer that told no address.</summary>
    /// <example>ann@example.org</example>
    public required string? Email { get; init; }

    /// <summary><c>user</c> or <c>moderator</c>.</summary>
    /// <example>user</example>
    public required string Role { get; init; }

    /// <summary>When the account was made.</summary>
    public required DateTime CreatedAt { get; init; }
}
