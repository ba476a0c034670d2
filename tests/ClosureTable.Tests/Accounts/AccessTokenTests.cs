using System.Net;
using System.Security.Cryptography;
using System.Text;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Tests.Accounts;

/// <summary>Tokens that are good but for one thing each (RFC 8725).</summary>
public sealed class AccessTokenTests(ServiceFixture fixture)
{
    private static SymmetricSecurityKey Key(string text) => new(Encoding.UTF8.GetBytes(text))
    {
        KeyId = Base64UrlEncoder.Encode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(text), "kid"u8)[..8]),
    };

    /// <summary>What our own tokens say, for a test to spoil.</summary>
    private static SecurityTokenDescriptor Good(long userId, SecurityKey? key = null, string algorithm = "HS256") => new()
    {
        TokenType = "at+jwt",
        Issuer = "closuretable",
        Audience = "closuretable",
        IssuedAt = DateTime.UtcNow,
        Expires = DateTime.UtcNow.AddMinutes(5),
        Claims = new Dictionary<string, object> { ["sub"] = $"{userId}", ["name"] = "ann", ["role"] = "user" },
        SigningCredentials = new SigningCredentials(key ?? Key(ServiceFixture.SigningKey), algorithm),
    };

    private static string Write(SecurityTokenDescriptor descriptor) =>
        new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(descriptor);

    /// <summary>A token whose header and payload are as told, signed with our key.</summary>
    private static string Sign(string header, string payload)
    {
        var signed = $"{Base64UrlEncoder.Encode(header)}.{Base64UrlEncoder.Encode(payload)}";
        return $"{signed}.{Base64UrlEncoder.Encode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(ServiceFixture.SigningKey), Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Payload(long userId, long? expires = null) =>
        $$"""{"iss":"closuretable","aud":"closuretable","sub":"{{userId}}","name":"ann","role":"user","exp":{{expires ?? DateTimeOffset.UtcNow.AddMinutes(5).ToUnixTimeSeconds()}}}""";

    private static string Kid => Key(ServiceFixture.SigningKey).KeyId;

    private Task<HttpResponseMessage> Me(string token) => fixture.Client().With(token).Get("/users/me");

    private async Task Refused(string token)
    {
        using var answer = await Me(token);
        await answer.Problem(HttpStatusCode.Unauthorized, "unauthorized");
        var challenge = Assert.Single(answer.Headers.WwwAuthenticate);
        Assert.Equal("Bearer", challenge.Scheme);
        Assert.Contains("error=\"invalid_token\"", challenge.Parameter, StringComparison.Ordinal);
    }

    /// <summary>A change that makes a good token bad; the token without it is shown to be good.</summary>
    private async Task RefusedWith(Action<SecurityTokenDescriptor> spoil)
    {
        var (id, _, _) = await fixture.NewUser();
        var descriptor = Good(id);
        await (await Me(Write(descriptor))).Json();
        spoil(descriptor);
        await Refused(Write(descriptor));
    }

    [Fact]
    public async Task Without_a_token_the_answer_is_401_and_says_how_to_send_one()
    {
        using var answer = await fixture.Client().Get("/users/me");
        await answer.Problem(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).ToString());
    }

    [Fact]
    public Task An_expired_token_is_refused() => RefusedWith(token => token.Expires = DateTime.UtcNow.AddSeconds(-11));

    [Fact]
    public Task A_token_that_never_expires_is_refused() => RefusedWith(token => token.Expires = null);

    [Fact]
    public Task A_token_of_the_future_is_refused() => RefusedWith(token => token.NotBefore = DateTime.UtcNow.AddMinutes(2));

    [Fact]
    public Task A_token_for_another_audience_is_refused() => RefusedWith(token => token.Audience = "another service");

    [Fact]
    public Task A_token_of_another_issuer_is_refused() => RefusedWith(token => token.Issuer = "another issuer");

    [Theory]
    [InlineData("JWT")]
    [InlineData("dpop+jwt")]
    public Task A_token_of_another_type_is_refused(string type) => RefusedWith(token => token.TokenType = type);

    [Fact]
    public Task A_token_with_another_key_under_our_kid_is_refused() => RefusedWith(token => token.SigningCredentials =
        new SigningCredentials(new SymmetricSecurityKey(RandomNumberGenerator.GetBytes(48)) { KeyId = Kid }, "HS256"));

    [Fact]
    public Task A_token_of_our_key_under_an_unknown_kid_is_refused() => RefusedWith(token => token.SigningCredentials =
        new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(ServiceFixture.SigningKey)) { KeyId = "unknown" }, "HS256"));

    [Fact]
    public Task A_token_of_our_key_without_a_kid_is_refused() => RefusedWith(token => token.SigningCredentials =
        new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(ServiceFixture.SigningKey)), "HS256"));

    [Theory]
    [InlineData("HS384")]
    [InlineData("HS512")]
    public Task A_token_of_our_key_with_another_algorithm_is_refused(string algorithm) => RefusedWith(token => token.SigningCredentials =
        new SigningCredentials(Key(ServiceFixture.SigningKey), algorithm));

    [Theory]
    [InlineData("0x1")]
    [InlineData("-1")]
    [InlineData("ann")]
    [InlineData("99999999999999999999")]
    public Task A_token_about_an_unknown_user_is_refused(string subject) => RefusedWith(token => token.Claims["sub"] = subject);

    [Theory]
    [InlineData("none")]
    [InlineData("None")]
    [InlineData("NONE")]
    public async Task An_unsigned_token_is_refused(string algorithm)
    {
        var (id, _, _) = await fixture.NewUser();
        var unsigned = $"{Base64UrlEncoder.Encode($$"""{"alg":"{{algorithm}}","typ":"at+jwt","kid":"{{Kid}}"}""")}.{Base64UrlEncoder.Encode(Payload(id))}.";
        await Refused(unsigned);
        await Refused(unsigned + "c2lnbmF0dXJl");
    }

    [Fact]
    public async Task A_token_with_a_critical_extension_is_refused()
    {
        var (id, _, _) = await fixture.NewUser();
        await (await Me(Sign($$"""{"alg":"HS256","typ":"at+jwt","kid":"{{Kid}}"}""", Payload(id)))).Json();
        await Refused(Sign($$"""{"alg":"HS256","typ":"at+jwt","kid":"{{Kid}}","crit":["exp2"],"exp2":1}""", Payload(id)));
        await Refused(Sign($$"""{"alg":"HS256","typ":"at+jwt","kid":"{{Kid}}","crit":null}""", Payload(id)));
    }

    [Fact]
    public async Task A_changed_payload_or_signature_is_refused()
    {
        var (id, _, token) = await fixture.NewUser();
        var parts = token.Split('.');
        await Refused($"{parts[0]}.{Base64UrlEncoder.Encode(Payload(id + 1))}.{parts[2]}");
        await Refused($"{parts[0]}.{parts[1]}.{(parts[2][0] == 'A' ? 'B' : 'A')}{parts[2][1..]}");
        await Refused($"{parts[0]}.{parts[1]}.");
    }

    [Theory]
    [InlineData("x")]
    [InlineData("a.b.c")]
    [InlineData("....")]
    [InlineData("e30.e30.")]
    [InlineData("e30.e30.e30")]
    [InlineData("bnVsbA.bnVsbA.bnVsbA")]
    [InlineData("W10.W10.W10")]
    [InlineData("eyJhbGciOjF9.eyJleHAiOiJ4In0.x")]
    public Task What_is_no_token_at_all_is_refused(string token) => Refused(token);

    [Fact]
    public async Task Numbers_that_no_clock_has_are_refused()
    {
        var (id, _, _) = await fixture.NewUser();
        foreach (var expires in new[] { long.MinValue, -1, 0 })
            await Refused(Sign($$"""{"alg":"HS256","typ":"at+jwt","kid":"{{Kid}}"}""", Payload(id, expires)));
    }

    [Fact]
    public async Task A_bad_token_in_the_article_s_header_is_refused_too()
    {
        var client = fixture.Client();
        client.DefaultRequestHeaders.Add("X-Auth-Token", "x");
        await (await client.Get("/users/me")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Another_scheme_of_authorization_is_no_token()
    {
        var client = fixture.Client();
        client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Basic YW5uOnNlY3JldA==");
        await (await client.Get("/users/me")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task After_a_change_of_keys_the_old_tokens_stay_good_while_the_old_key_is_named()
    {
        const string newKey = "the key that came after, which is long enough as well";
        var (_, _, old) = await fixture.NewUser();

        await using var rotated = fixture.Instance(host => host
            .UseSetting("Authentication:SigningKey", newKey)
            .UseSetting("Authentication:PreviousSigningKey", ServiceFixture.SigningKey));
        await (await rotated.CreateClient().With(old).Get("/users/me")).Json();

        await using var forgotten = fixture.Instance(host => host.UseSetting("Authentication:SigningKey", newKey));
        await (await forgotten.CreateClient().With(old).Get("/users/me")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task The_lifetime_is_a_setting()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Authentication:AccessTokenLifetime", "00:01:00"));
        var email = $"{Guid.NewGuid():n}@example.org";
        await (await instance.CreateClient().Post("/auth/register", new { email, password = "a good password", name = "Ann" })).Json(HttpStatusCode.Created);
        var session = await (await instance.CreateClient().Post("/auth/login", new { email, password = "a good password" })).Json();
        Assert.InRange(session.GetProperty("expired").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddSeconds(-1), DateTimeOffset.UtcNow.AddMinutes(1));
        Assert.Equal(session.GetProperty("expired").GetDateTime(), new JsonWebToken(session.Text("token")).ValidTo);
    }
}
