using System.ComponentModel.DataAnnotations;
using RequiredAttribute = ClosureTable.Api.Http.RequiredAttribute;

namespace ClosureTable.Api.Accounts;

/// <summary>A new account.</summary>
public sealed record RegisterRequest
{
    /// <summary>Up to 254 characters with one <c>@</c>; unique without regard to case.</summary>
    /// <example>ann@example.org</example>
    [Required, Email]
    public string Email { get; init; } = null!;

    /// <summary>8 to 128 characters, any characters but U+0000.</summary>
    /// <example>correct horse battery staple</example>
    [Required(AllowEmptyStrings = true), Password]
    public string Password { get; init; } = null!;

    /// <summary>The name that stands beside the comments: 1 to 64 characters after trimming, on one line, some of them visible.</summary>
    /// <example>Ann</example>
    [Required, Name]
    public string Name { get; init; } = null!;
}

/// <summary>What proves who signs in.</summary>
public sealed record LoginRequest
{
    /// <summary>The address that was registered, in any case.</summary>
    /// <example>ann@example.org</example>
    [Required, Email]
    public string Email { get; init; } = null!;

    /// <summary>Up to 128 characters.</summary>
    /// <example>correct horse battery staple</example>
    [Required(AllowEmptyStrings = true), Password(Min = 0)]
    public string Password { get; init; } = null!;
}

/// <summary>A refresh token, to be spent.</summary>
public sealed record RefreshRequest
{
    /// <summary>The <c>refresh_token</c> of the last login or refresh.</summary>
    /// <example>b0u1S5l8mJw0dGQH1v8q3mXqg2C7n4tYyq0Zk9rVtEo</example>
    [Required, StringLength(512, ErrorMessage = "Must be at most 512 characters long.")]
    public string RefreshToken { get; init; } = null!;
}

/// <summary>The session to end.</summary>
public sealed record LogoutRequest
{
    /// <summary>Any refresh token of the session. One that is unknown, spent or expired ends nothing and is no error.</summary>
    /// <example>b0u1S5l8mJw0dGQH1v8q3mXqg2C7n4tYyq0Zk9rVtEo</example>
    public string? RefreshToken { get; init; }
}

/// <summary>A signed-in session.</summary>
internal sealed record SessionTokens
{
    /// <summary>The access token, a JWT, for <c>Authorization: Bearer</c> or <c>X-Auth-Token</c>.</summary>
    public required string Token { get; init; }

    /// <summary>When the access token expires.</summary>
    public required DateTime Expired { get; init; }

    /// <summary>Buys the next pair, once.</summary>
    public required string RefreshToken { get; init; }
}
