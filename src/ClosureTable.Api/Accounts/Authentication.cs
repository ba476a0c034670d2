using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Api.Accounts;

/// <summary>Who asks: access tokens of our own, checked as RFC 8725 asks, and those of <see cref="ExternalTokens"/>.</summary>
internal static class Authentication
{
    /// <summary>The scheme of the tokens that this service issues.</summary>
    public const string OwnTokens = "ClosureTable";

    /// <summary>The scheme that looks who issued a token, where there is more than one issuer.</summary>
    private const string ByIssuer = "ByIssuer";

    public static void AddTokenAuthentication(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        AuthenticationOptions.AddTo(services);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<SigningKeys>();
        services.AddSingleton<TokenIssuer>();

        var external = ExternalTokens.Configured(builder.Configuration);
        var authentication = services.AddAuthentication(external ? ByIssuer : OwnTokens);
        authentication.AddJwtBearer(OwnTokens, _ => { });
        if (external)
        {
            authentication.AddPolicyScheme(ByIssuer, null, options => options.ForwardDefaultSelector = SchemeOf);
            authentication.AddExternalTokens();
        }

        services.AddOptions<JwtBearerOptions>(OwnTokens).Configure<SigningKeys, IOptions<AuthenticationOptions>>(CheckOwnTokens);
        // Nothing here seals cookies: the framework would make a key for that at each start and warn of where it keeps it.
        if (services.FirstOrDefault(service => service.ImplementationType?.Name == "DataProtectionHostedService") is { } keyMaker)
            services.Remove(keyMaker);
        services.AddAuthorizationBuilder().AddPolicy(Roles.Moderator, policy => policy.RequireRole(Roles.Moderator));
    }

    /// <summary>
    /// An invalid token is refused with 401 even where none is required, or a client whose session
    /// ended would go on without noticing. Endpoints that allow anonymous callers explicitly take no notice of tokens.
    /// </summary>
    public static void UseBadTokenRefusal(this IApplicationBuilder app) => app.Use(async (context, next) =>
    {
        // The router's own answers, 405 and 415, come first, whether or not the token is valid.
        if (context.GetEndpoint() is RouteEndpoint endpoint
            && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null
            && (await context.AuthenticateAsync()).Failure is not null)
            await context.ChallengeAsync();
        else
            await next(context);
    });

    /// <summary>Nothing is verified yet: the scheme of the issuer that the token names does that.</summary>
    private static string SchemeOf(HttpContext context)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        var token = authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? authorization["Bearer ".Length..].Trim()
            : authorization.Length == 0 ? context.Request.Headers[ServiceHeaders.Token].ToString() : "";
        try
        {
            var own = context.RequestServices.GetRequiredService<IOptions<AuthenticationOptions>>().Value.Issuer;
            return token.Length == 0 || new JsonWebToken(token).Issuer == own ? OwnTokens : ExternalTokens.Scheme;
        }
        catch (ArgumentException)
        {
            // Not a token at all.
            return OwnTokens;
        }
    }

    private static void CheckOwnTokens(JwtBearerOptions options, SigningKeys keys, IOptions<AuthenticationOptions> settings)
    {
        options.MapInboundClaims = false;
        options.TokenValidationParameters = new TokenValidationParameters
        {
            ValidTypes = [TokenIssuer.TokenType],
            ValidAlgorithms = [TokenIssuer.Algorithm],
            ValidIssuer = settings.Value.Issuer,
            ValidAudience = settings.Value.Audience,
            // The key that the kid names or none: by default every key is tried.
            IssuerSigningKeyResolver = (_, _, kid, _) => keys.All.Where(key => key.KeyId == kid),
            TryAllIssuerSigningKeys = false,
            // For instances whose clocks differ; the default of five minutes is a third of a token's life.
            ClockSkew = TimeSpan.FromSeconds(10),
            NameClaimType = "name",
            RoleClaimType = "role",
        };
        options.Events = new JwtBearerEvents
        {
            OnMessageReceived = TakeTokenHeader,
            OnTokenValidated = context =>
            {
                if (HasUnknownExtensions(context) || context.Principal?.UserId is not { } id)
                    context.Fail("The token says something that this service does not know.");
                else if (context.HttpContext.RequestServices.GetRequiredService<DisabledUsers>().Contains(id))
                    context.Fail("The account was disabled.");
                return Task.CompletedTask;
            },
        };
    }

    public static Task TakeTokenHeader(MessageReceivedContext context)
    {
        if (context.Request.Headers.Authorization.Count == 0 && context.Request.Headers.TryGetValue(ServiceHeaders.Token, out var token))
            context.Token = token.ToString();
        return Task.CompletedTask;
    }

    /// <summary><c>crit</c> names extensions that must be understood (RFC 7515, 4.1.11); none is, and the library does not look.</summary>
    public static bool HasUnknownExtensions(TokenValidatedContext context) =>
        context.SecurityToken is not JsonWebToken token || token.TryGetHeaderValue<object>("crit", out _);
}
