using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Mvc.Testing;

namespace ClosureTable.Tests.Accounts;

public sealed class RateLimitTests(ServiceFixture fixture)
{
    /// <summary>Windows of a day: nothing comes back while a test runs.</summary>
    private WebApplicationFactory<Program> Service(params (string Setting, string Value)[] settings) => fixture.Shared(
    [
        ("RateLimits:Enabled", "true"), ("RateLimits:Window", "1.00:00:00"), ("RateLimits:Reads", "2"), ("RateLimits:SignIns", "2"), .. settings,
    ]);

    private static async Task Refused(HttpResponseMessage answer)
    {
        await answer.Problem(HttpStatusCode.TooManyRequests, "rate_limited");
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
    }

    private static string Header(HttpResponseMessage answer, string name) => Assert.Single(answer.Headers.GetValues(name));

    [Fact]
    public async Task An_answer_tells_what_is_left_and_a_refusal_when_to_come_back()
    {
        var service = Service();
        var client = service.CreateClient().With((await fixture.NewUser()).Token);

        using var first = await client.Get("/users/me");
        await first.Json();
        Assert.Equal("\"reads\";q=2;w=86400", Header(first, "RateLimit-Policy"));
        Assert.Equal("\"reads\";r=1", Header(first, "RateLimit"));
        Assert.Equal("\"reads\";r=0", Header(await client.Get("/users/me"), "RateLimit"));

        using var third = await client.Get("/users/me");
        await Refused(third);
        Assert.Equal("\"reads\";q=2;w=86400", Header(third, "RateLimit-Policy"));
        Assert.Equal($"\"reads\";r=0;t={third.Headers.RetryAfter!.Delta!.Value.TotalSeconds}", Header(third, "RateLimit"));
        Assert.InRange(third.Headers.RetryAfter.Delta.Value, TimeSpan.FromHours(11), TimeSpan.FromHours(12));
    }

    [Fact]
    public async Task Users_behind_one_address_do_not_share_a_quota()
    {
        var service = Service();
        var address = Peers.NewAddress();
        for (var user = 0; user < 4; user++)
            await (await service.CreateClient().From(address).With((await fixture.NewUser()).Token).Get("/users/me")).Json();
    }

    [Fact]
    public async Task Many_accounts_at_one_address_meet_what_the_address_may()
    {
        var service = Service(("RateLimits:CallersPerAddress", "2"), ("RateLimits:Writes", "1"));
        var address = Peers.NewAddress();
        async Task<HttpClient> Account() => service.CreateClient().From(address).With((await fixture.NewUser()).Token);

        var told = new List<string>();
        for (var user = 0; user < 4; user++)
            told.Add(Header(await (await Account()).Get("/users/me"), "RateLimit"));
        // What is left of the user's own two, until less is left of the address's four.
        Assert.Equal(["\"reads\";r=1", "\"reads\";r=1", "\"reads\";r=1", "\"address-reads\";r=0"], told);

        using var fifth = await (await Account()).Get("/users/me");
        await Refused(fifth);
        Assert.Equal("\"address-reads\";q=4;w=86400", Header(fifth, "RateLimit-Policy"));
        Assert.Equal($"\"address-reads\";r=0;t={24 * 60 * 60 / 4}", Header(fifth, "RateLimit"));
        Assert.Equal(TimeSpan.FromHours(6), fifth.Headers.RetryAfter!.Delta);

        // The address is over its limit, not the user: rejected requests do not count against the user.
        var sixth = await Account();
        for (var refusal = 0; refusal < 3; refusal++)
            Assert.Equal(TimeSpan.FromHours(6), (await sixth.Get("/users/me")).Headers.RetryAfter?.Delta);
        // Writes are another quota, and another address has its own.
        for (var user = 0; user < 2; user++)
            await (await (await Account()).Post("/comments", new { content = "words" })).Json(HttpStatusCode.Created);
        await Refused(await (await Account()).Post("/comments", new { content = "words" }));
        await (await service.CreateClient().From(Peers.NewAddress()).With((await fixture.NewUser()).Token).Get("/users/me")).Json();
    }

    [Theory]
    [InlineData("1")]
    [InlineData("10")]
    public async Task One_user_never_meets_the_limit_of_an_address(string callersPerAddress)
    {
        var service = Service(("RateLimits:CallersPerAddress", callersPerAddress), ("RateLimits:Reads", "20"));
        var client = service.CreateClient().From(Peers.NewAddress()).With((await fixture.NewUser()).Token);
        for (var read = 1; read <= 20; read++)
            Assert.Equal($"\"reads\";r={20 - read}", Header(await client.Get("/users/me"), "RateLimit"));
        using var refused = await client.Get("/users/me");
        await Refused(refused);
        Assert.StartsWith("\"reads\";", Header(refused, "RateLimit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_caller_takes_nothing_from_others_at_the_same_address()
    {
        var service = Service(("RateLimits:CallersPerAddress", "2"));
        var address = Peers.NewAddress();
        var hammering = service.CreateClient().From(address).With((await fixture.NewUser()).Token);
        for (var read = 0; read < 20; read++)
            await hammering.Get("/users/me");
        var neighbour = service.CreateClient().From(address).With((await fixture.NewUser()).Token);
        for (var read = 0; read < 2; read++)
            await (await neighbour.Get("/users/me")).Json();
    }

    [Fact]
    public async Task A_user_has_one_quota_from_all_addresses()
    {
        var service = Service();
        var (_, _, token) = await fixture.NewUser();
        for (var read = 0; read < 2; read++)
            await (await service.CreateClient().From(Peers.NewAddress()).With(token).Get("/users/me")).Json();
        await Refused(await service.CreateClient().From(Peers.NewAddress()).With(token).Get("/users/me"));
    }

    [Fact]
    public async Task An_anonymous_caller_is_counted_by_address_or_IPv6_network()
    {
        var service = Service();
        for (var host = 1; host <= 2; host++)
            await (await service.CreateClient().From($"2001:db8:ffff::{host}").Get("/users/me")).Json(HttpStatusCode.Unauthorized);
        await Refused(await service.CreateClient().From("2001:db8:ffff:0:1:2:3:4").Get("/users/me"));
        await (await service.CreateClient().From("2001:db8:ffff:1::1").Get("/users/me")).Json(HttpStatusCode.Unauthorized);
        await (await service.CreateClient().From("192.0.2.1").Get("/users/me")).Json(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Sign_ins_count_by_address_though_every_try_is_another_account()
    {
        var service = Service();
        var client = service.CreateClient().From(Peers.NewAddress());
        for (var call = 0; call < 2; call++)
            Assert.Equal(HttpStatusCode.NoContent, (await client.Post("/auth/logout", new { })).StatusCode);
        using var answer = await client.With((await fixture.NewUser()).Token).Post("/auth/logout", new { });
        await Refused(answer);
        Assert.StartsWith("\"sign-ins\";", Header(answer, "RateLimit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tokens_that_are_made_up_are_counted_too()
    {
        var service = Service();
        var client = service.CreateClient().From(Peers.NewAddress()).With("made up");
        for (var guess = 0; guess < 2; guess++)
            await (await client.Get("/users/me")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
        await Refused(await client.Get("/users/me"));
    }

    [Fact]
    public async Task Health_is_never_refused()
    {
        var service = Service();
        for (var probe = 0; probe < 5; probe++)
            Assert.Equal(HttpStatusCode.OK, (await service.CreateClient().Get("/health/live")).StatusCode);
    }

    [Fact]
    public async Task Quota_comes_back_as_time_goes_by()
    {
        var service = Service(("RateLimits:Window", "00:00:02"));
        var client = service.CreateClient().From(Peers.NewAddress());
        HttpResponseMessage answer = null!;
        await Wait.Until(async () => (answer = await client.Get("/users/me")).StatusCode == HttpStatusCode.TooManyRequests);
        Assert.Equal(TimeSpan.FromSeconds(1), answer.Headers.RetryAfter?.Delta);
        await Wait.Until(async () => (answer = await client.Get("/users/me")).StatusCode != HttpStatusCode.TooManyRequests);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Theory]
    [InlineData("KnownProxies:0", "192.0.2.10")]
    [InlineData("KnownNetworks:0", "192.0.2.0/24")]
    public async Task A_known_proxy_is_trusted_about_its_clients_and_no_other_client_is(string setting, string value)
    {
        var service = Service(($"ForwardedHeaders:{setting}", value));
        for (var client = 1; client <= 4; client++)
            await (await Through("192.0.2.10", client)).Json(HttpStatusCode.Unauthorized);

        // A stranger who says so of himself stays one stranger.
        for (var client = 1; client <= 2; client++)
            await (await Through("203.0.113.9", client)).Json(HttpStatusCode.Unauthorized);
        await Refused(await Through("203.0.113.9", 3));

        Task<HttpResponseMessage> Through(string peer, int client)
        {
            var caller = service.CreateClient().From(peer);
            caller.DefaultRequestHeaders.Add("X-Forwarded-For", $"198.51.100.{client}");
            return caller.Get("/users/me");
        }
    }

    [Fact]
    public async Task Without_known_proxies_no_client_is_trusted()
    {
        var service = Service();
        for (var client = 1; client <= 3; client++)
        {
            var caller = service.CreateClient().From("203.0.113.10");
            caller.DefaultRequestHeaders.Add("X-Forwarded-For", $"198.51.100.{client}");
            using var answer = await caller.Get("/users/me");
            Assert.Equal(client <= 2 ? HttpStatusCode.Unauthorized : HttpStatusCode.TooManyRequests, answer.StatusCode);
        }
    }

    [Fact]
    public async Task In_development_there_are_no_limits()
    {
        using var answer = await fixture.Client().Get("/users/me");
        Assert.False(answer.Headers.Contains("RateLimit"));
    }
}
