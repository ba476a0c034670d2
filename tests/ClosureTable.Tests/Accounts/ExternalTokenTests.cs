using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Tests.Accounts;

/// <summary>An instance of the service that believes an issuer of the tests.</summary>
public sealed class ExternalIssuerFixture(ServiceFixture fixture) : IAsyncLifetime
{
    internal TestIssuer Issuer { get; private set; } = null!;

    internal WebApplicationFactory<Program> Service { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Issuer = await TestIssuer.Start();
        Service = Believing(Issuer.Url);
    }

    internal WebApplicationFactory<Program> Believing(string authority) => fixture.Instance(host => host
        .UseSetting("Authentication:Schemes:Bearer:Authority", authority)
        .UseSetting("Authentication:Schemes:Bearer:ValidAudience", TestIssuer.Audience)
        .UseSetting("Authentication:Schemes:Bearer:RequireHttpsMetadata", "false"));

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        await Issuer.DisposeAsync();
    }
}

/// <summary>Tokens of an OpenID Connect issuer that the settings name.</summary>
public sealed class ExternalTokenTests(ServiceFixture fixture, ExternalIssuerFixture external) : IClassFixture<ExternalIssuerFixture>
{
    private static readonly string[] RoleList = ["moderator"];

    private readonly TestIssuer issuer = external.Issuer;

    private Task<HttpResponseMessage> Me(string token) => external.Service.CreateClient().With(token).Get("/users/me");

    [Fact]
    public async Task An_account_is_made_when_its_token_is_first_seen_and_found_from_then_on()
    {
        var first = await (await Me(issuer.Token("ann", claims: [("name", "Ann"), ("email", "ann@example.org")]))).Json();
        Assert.Equal("Ann", first.Text("name"));
        Assert.Equal("ann@example.org", first.Text("email"));
        Assert.Equal("user", first.Text("role"));

        var again = await (await Me(issuer.Token("ann", issuer.Ecdsa))).Json();
        Assert.Equal(first.GetProperty("id").GetInt64(), again.GetProperty("id").GetInt64());
    }

    [Fact]
    public async Task Many_first_requests_at_once_make_one_account()
    {
        // The issuer's keys are known from here on: what comes next is not held up one by one.
        await (await Me(issuer.Token("first"))).Json();
        for (var round = 0; round < 10; round++)
        {
            var token = issuer.Token($"many {round}");
            var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Me(token)));
            var ids = await Task.WhenAll(answers.Select(async answer => (await answer.Json()).GetProperty("id").GetInt64()));
            Assert.Single(ids.Distinct());
        }
    }

    [Fact]
    public async Task Our_own_tokens_are_good_beside_it()
    {
        var (id, _, token) = await fixture.NewUser();
        Assert.Equal(id, (await (await Me(token)).Json()).GetProperty("id").GetInt64());

        var client = external.Service.CreateClient();
        client.DefaultRequestHeaders.Add("X-Auth-Token", issuer.Token("header"));
        await (await client.Get("/users/me")).Json();
    }

    [Fact]
    public async Task A_role_that_the_issuer_tells_is_not_believed()
    {
        var user = await (await Me(issuer.Token("boss", claims: [("role", "moderator"), ("roles", RoleList)]))).Json();
        Assert.Equal("user", user.Text("role"));
    }

    [Fact]
    public async Task Its_address_opens_no_account_of_ours()
    {
        var (id, email, _) = await fixture.NewUser();
        var user = await (await Me(issuer.Token("impostor", claims: [("email", email)]))).Json();
        Assert.NotEqual(id, user.GetProperty("id").GetInt64());
    }

    [Theory]
    [InlineData("A\nB\u202e", "AB")]
    [InlineData(" ", "Unknown")]
    [InlineData("\u0000", "Unknown")]
    [InlineData("\u200b\u3164", "Unknown")]
    [InlineData("\u2066Ann\u2069\u200f", "Ann")]
    public async Task A_name_is_made_fit_for_a_line(string told, string kept)
    {
        var user = await (await Me(issuer.Token(Guid.NewGuid().ToString(), claims: [("name", told)]))).Json();
        Assert.Equal(kept, user.Text("name"));
    }

    [Fact]
    public async Task An_invisible_name_gives_way_to_the_preferred_username()
    {
        var user = await (await Me(issuer.Token(Guid.NewGuid().ToString(), claims: [("name", "\u200b"), ("preferred_username", "ann")]))).Json();
        Assert.Equal("ann", user.Text("name"));
    }

    [Fact]
    public async Task A_disabled_account_is_refused_at_once()
    {
        var token = issuer.Token("disabled");
        var id = (await (await Me(token)).Json()).GetProperty("id").GetInt64();
        await fixture.Services.GetRequiredService<UserRepository>().SetDisabled($"{id}", disabled: true, TestContext.Current.CancellationToken);
        await (await Me(token)).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_token_for_another_service_is_refused() =>
        await (await Me(issuer.Token("ann", audience: "another service"))).Problem(HttpStatusCode.Unauthorized, "unauthorized");

    [Fact]
    public async Task A_token_of_an_issuer_that_is_not_configured_is_refused() =>
        await (await Me(issuer.Token("ann", issuer: "http://127.0.0.1:1"))).Problem(HttpStatusCode.Unauthorized, "unauthorized");

    [Fact]
    public async Task Its_keys_sign_no_token_of_ours()
    {
        var (id, _, _) = await fixture.NewUser();
        await (await Me(issuer.Token($"{id}", issuer: "closuretable", audience: "closuretable"))).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Its_public_key_is_no_secret_to_sign_with()
    {
        var confused = new SigningCredentials(new SymmetricSecurityKey(issuer.PublicKey) { KeyId = "rsa" }, "HS256");
        await (await Me(issuer.Token("ann", confused))).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_service_without_that_setting_takes_none_of_its_tokens() =>
        await (await fixture.Client().With(issuer.Token("ann")).Get("/users/me")).Problem(HttpStatusCode.Unauthorized, "unauthorized");

    [Fact]
    public async Task An_issuer_that_cannot_be_reached_makes_no_500()
    {
        await using var cutOff = external.Believing("http://127.0.0.1:1");
        await (await cutOff.CreateClient().With(issuer.Token("ann")).Get("/users/me")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }
}
