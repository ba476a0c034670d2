using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.IdentityModel.JsonWebTokens;

namespace ClosureTable.Api.Accounts;

/// <summary>
/// Tokens of an OpenID Connect issuer, accepted beside our own where <c>Authentication:Schemes:Bearer:Authority</c> names
/// one. The section is the framework's: <c>ValidAudience</c> must be set too, <c>ValidIssuer</c> and
/// <c>RequireHttpsMetadata</c> can be. The issuer vouches for the identity; the role is decided here alone.
/// </summary>
internal static class ExternalTokens
{
    public const string Scheme = JwtBearerDefaults.AuthenticationScheme;

    private const string AuthoritySetting = $"Authentication:Schemes:{Scheme}:Authority";

    /// <summary>Public keys only: one that the issuer publishes must not serve as the secret of an HS256 token.</summary>
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    public static bool Configured(IConfiguration configuration) => !string.IsNullOrEmpty(configuration[AuthoritySetting]);

    public static void AddExternalTokens(this AuthenticationBuilder authentication)
    {
        authentication.AddJwtBearer(Scheme, options =>
        {
            options.MapInboundClaims = false;
            options.TokenValidationParameters.ValidTypes = [TokenIssuer.TokenType, $"application/{TokenIssuer.TokenType}", "JWT"];
            options.TokenValidationParameters.ValidAlgorithms = Algorithms;
            options.TokenValidationParameters.TryAllIssuerSigningKeys = false;
            options.Events = new JwtBearerEvents { OnMessageReceived = Authentication.TakeTokenHeader, OnTokenValidated = MeetUser };
        });
        authentication.Services.AddOptions<JwtBearerOptions>(Scheme)
            .Validate(options => options.TokenValidationParameters is var expected && (expected.ValidAudiences ?? []).Append(expected.ValidAudience).Any(audience => !string.IsNullOrEmpty(audience)),
                $"Set Authentication__Schemes__{Scheme}__ValidAudience as well: without it, a token that the issuer made for any other service would be good here.")
            .ValidateOnStart();
    }

    /// <summary>Replaces the issuer's claims with those of the account here: its <c>role</c> is not one of ours.</summary>
    private static async Task MeetUser(TokenValidatedContext context)
    {
        if (Authentication.HasUnknownExtensions(context) || context.SecurityToken is not JsonWebToken { Subject.Length: > 0 and <= 255 } token || token.Subject.Contains('\0'))
        {
            context.Fail("The token does not say who it is about.");
            return;
        }

        var users = context.HttpContext.RequestServices.GetRequiredService<UserRepository>();
        var user = await users.FindOrCreateExternal(token.Issuer, token.Subject, Name(token), Email(token), context.HttpContext.RequestAborted);
        if (user is null)
            context.Fail("The account was disabled.");
        else
            context.Principal = new ClaimsPrincipal(TokenIssuer.Identity(user.Id, user.Name, user.Role, Scheme));
    }

    private static string Name(JsonWebToken token) => NameIn(token, "name") ?? NameIn(token, "preferred_username") ?? "Unknown";

    private static string? NameIn(JsonWebToken token, string type) => Claim(token, type) is { } told ? NameAttribute.Clean(told) : null;

    private static string? Email(JsonWebToken token) =>
        Claim(token, "email") is { } email && new EmailAttribute().IsValid(email) ? email.Trim() : null;

    private static string? Claim(JsonWebToken token, string type) =>
        token.TryGetPayloadValue<string>(type, out var value) && !string.IsNullOrWhiteSpace(value) ? value : null;
}
