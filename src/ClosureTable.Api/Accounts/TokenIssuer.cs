using System.Security.Claims;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Api.Accounts;

/// <summary>Writes our own access tokens.</summary>
internal sealed class TokenIssuer(SigningKeys keys, IOptions<AuthenticationSettings> options, TimeProvider clock)
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
            Subject = new ClaimsIdentity(
            [
                new("sub", userId.ToString(System.Globalization.CultureInfo.InvariantCulture)),
                new("name", name),
                new("role", role),
                new("jti", Guid.NewGuid().ToString("n")),
            ]),
            SigningCredentials = new SigningCredentials(keys.Current, Algorithm),
        });
        return (token, expires);
    }
}
