using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Tests.Fixture;

/// <summary>An OpenID Connect issuer on loopback, as far as a service that checks its tokens can see: discovery and keys.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    public const string Audience = "comments";

    private readonly WebApplication app;

    private TestIssuer(WebApplication app) => this.app = app;

    public string Url => app.Urls.Single();

    public SigningCredentials Rsa { get; } = new(new RsaSecurityKey(RSA.Create(2048)) { KeyId = "rsa" }, "RS256");

    public SigningCredentials Ecdsa { get; } = new(new ECDsaSecurityKey(ECDsa.Create(ECCurve.NamedCurves.nistP256)) { KeyId = "ecdsa" }, "ES256");

    public static async Task<TestIssuer> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var issuer = new TestIssuer(app);
        app.MapGet("/.well-known/openid-configuration", () => new Dictionary<string, string> { ["issuer"] = issuer.Url, ["jwks_uri"] = $"{issuer.Url}/keys" });
        app.MapGet("/keys", () => new Dictionary<string, object> { ["keys"] = new[] { issuer.PublicRsa(), issuer.PublicEcdsa() } });
        await app.StartAsync(TestContext.Current.CancellationToken);
        return issuer;
    }

    public string Token(string subject, SigningCredentials? credentials = null, string audience = Audience, string? issuer = null, params (string Type, object Value)[] claims) =>
        new JsonWebTokenHandler().CreateToken(new SecurityTokenDescriptor
        {
            Issuer = issuer ?? Url,
            Audience = audience,
            Claims = new Dictionary<string, object>(claims.Select(claim => KeyValuePair.Create(claim.Type, claim.Value))) { ["sub"] = subject },
            SigningCredentials = credentials ?? Rsa,
        });

    /// <summary>The modulus as published, which an attacker would try as the secret of an HS256 token.</summary>
    public byte[] PublicKey => ((RsaSecurityKey)Rsa.Key).Rsa.ExportSubjectPublicKeyInfo();

    private Dictionary<string, string> PublicRsa()
    {
        var key = ((RsaSecurityKey)Rsa.Key).Rsa.ExportParameters(includePrivateParameters: false);
        return new() { ["kty"] = "RSA", ["use"] = "sig", ["kid"] = "rsa", ["n"] = Base64UrlEncoder.Encode(key.Modulus), ["e"] = Base64UrlEncoder.Encode(key.Exponent) };
    }

    private Dictionary<string, string> PublicEcdsa()
    {
        var point = ((ECDsaSecurityKey)Ecdsa.Key).ECDsa.ExportParameters(includePrivateParameters: false).Q;
        return new() { ["kty"] = "EC", ["crv"] = "P-256", ["use"] = "sig", ["kid"] = "ecdsa", ["x"] = Base64UrlEncoder.Encode(point.X), ["y"] = Base64UrlEncoder.Encode(point.Y) };
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
