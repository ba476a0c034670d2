using System.Globalization;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Api.Accounts;

/// <summary>Writes our own access tokens.</summary>
internal sealed class TokenIssuer(SigningKeys keys, IOptions<AuthenticationOptions> options, TimeProvider clock)
{
    /// <summary>Says what a token is for, so that no other kind of JWT can pass for it (RFC 8725, 3.11; RFC 9068).</summary>
    public const string TokenType = "at+jwt";

    public const string Algorithm = SecurityAlgorithms.HmacSha256;

    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <returns>The token and the instant at which it expires, in whole seconds as the token has it.</returns>
    public (string Token, DateTime Expires) Issue(long userId, string name, string role)
    {
        var now = clock.GetUtcNow();
        var expires = DateTimeOffset.FromUnixTimeSeconds((now + options.Value.AccessTokenLifetime).ToUnixTimeSeconds()).UtcDateTime;
        var token = handler.CreateToken(new SecurityTokenDescriptor
        {
            TokenType = TokenType,
            Issuer = options.Value.Issuer,
            Audience = options.Value.Audience,
            IssuedAt = now.UtcDateTime,
            Expires = expires,
            Subject = Identity(userId, name, role),
            Claims = new Dictionary<string, object> { ["jti"] = Guid.NewGuid().ToString("n") },
            SigningCredentials = new SigningCredentials(keys.Current, Algorithm),
        });
        return (token, expires);
    }

    /// <summary>The claims by which the rest of the service knows a user.</summary>
    public static ClaimsIdentity Identity(long userId, string name, string role, string? scheme = null) => new(
        [new("sub", userId.ToString(CultureInfo.InvariantCulture)), new("name", name), new("role", role)],
        scheme, nameType: "name", roleType: "role");
}
