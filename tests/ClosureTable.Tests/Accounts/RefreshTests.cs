using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Accounts;

public sealed class RefreshTests(ServiceFixture fixture)
{
    private SessionRepository Sessions => fixture.Services.GetRequiredService<SessionRepository>();

    private async Task<string> Session() => await Sessions.Start((await fixture.NewUser()).Id, TestContext.Current.CancellationToken);

    private Task<HttpResponseMessage> Refresh(string token) => fixture.Client().Post("/auth/refresh", new { refresh_token = token });

    private async Task<string> Spend(string token) => (await (await Refresh(token)).Json()).Text("refresh_token");

    private async Task Refused(string token) => await (await Refresh(token)).Problem(HttpStatusCode.Unauthorized, "invalid_refresh_token");

    [Fact]
    public async Task A_refresh_answers_a_new_pair_and_the_chain_goes_on()
    {
        var (id, _, _) = await fixture.NewUser();
        var first = await Sessions.Start(id, TestContext.Current.CancellationToken);
        var session = await (await Refresh(first)).Json();
        Assert.NotEqual(first, session.Text("refresh_token"));
        var me = await (await fixture.Client().With(session.Text("token")).Get("/users/me")).Json();
        Assert.Equal(id, me.GetProperty("id").GetInt64());
        await Spend(await Spend(session.Text("refresh_token")));
    }

    [Fact]
    public async Task A_refresh_works_beside_an_access_token_that_is_no_longer_good()
    {
        var client = fixture.Client().With("expired");
        await (await client.Post("/auth/refresh", new { refresh_token = await Session() })).Json();
    }

    [Fact]
    public async Task A_spent_token_that_comes_again_ends_the_whole_family()
    {
        var first = await Session();
        var second = await Spend(first);
        var third = await Spend(second);
        await Refused(first);
        await Refused(third);
    }

    [Fact]
    public async Task A_spent_token_that_comes_again_after_it_expired_ends_the_family_too()
    {
        var (id, _, _) = await fixture.NewUser();
        var first = await Sessions.Start(id, TestContext.Current.CancellationToken);
        var second = await Spend(first);
        await fixture.Query<object>("update auth_refresh_tokens set expires_at = now() where user_id = @id and spent_at is not null", new { id });
        await Refused(first);
        await Refused(second);
    }

    [Fact]
    public async Task A_disable_that_races_with_a_refresh_leaves_no_session()
    {
        var users = fixture.Services.GetRequiredService<UserRepository>();
        for (var round = 0; round < 20; round++)
        {
            var (id, email, _) = await fixture.NewUser();
            var token = await Sessions.Start(id, TestContext.Current.CancellationToken);
            await Task.WhenAll(Refresh(token), users.SetDisabled(email, disabled: true, TestContext.Current.CancellationToken));
            Assert.Equal(0, await fixture.Query<long>(
                "select count(*) from auth_refresh_tokens where user_id = @id and revoked_at is null and spent_at is null", new { id }));
        }
    }

    [Fact]
    public async Task Another_session_of_the_user_goes_on()
    {
        var (id, _, _) = await fixture.NewUser();
        var first = await Sessions.Start(id, TestContext.Current.CancellationToken);
        var other = await Sessions.Start(id, TestContext.Current.CancellationToken);
        await Spend(first);
        await Refused(first);
        await Spend(other);
    }

    [Fact]
    public async Task Of_two_refreshes_at_once_with_one_token_one_succeeds_and_the_family_ends()
    {
        for (var round = 0; round < 20; round++)
        {
            var token = await Session();
            var answers = await Task.WhenAll(Refresh(token), Refresh(token));
            var won = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.OK);
            Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Unauthorized);
            await Refused((await won.Json()).Text("refresh_token"));
        }
    }

    [Fact]
    public async Task A_reuse_that_races_with_a_refresh_leaves_no_living_token_in_the_family()
    {
        for (var round = 0; round < 20; round++)
        {
            var (id, _, _) = await fixture.NewUser();
            var spent = await Sessions.Start(id, TestContext.Current.CancellationToken);
            var current = await Spend(spent);
            await Task.WhenAll(Refresh(current), Refresh(spent));
            Assert.Equal(0, await fixture.Query<long>(
                "select count(*) from auth_refresh_tokens where user_id = @id and revoked_at is null and spent_at is null", new { id }));
        }
    }

    [Fact]
    public async Task An_expired_token_opens_nothing()
    {
        var (id, _, _) = await fixture.NewUser();
        var token = await Sessions.Start(id, TestContext.Current.CancellationToken);
        await fixture.Query<object>("update auth_refresh_tokens set expires_at = now() where user_id = @id", new { id });
        await Refused(token);
    }

    [Fact]
    public async Task A_token_lives_thirty_days_and_is_kept_as_its_hash_only()
    {
        var (id, _, _) = await fixture.NewUser();
        var token = await Sessions.Start(id, TestContext.Current.CancellationToken);
        Assert.Equal(1, await fixture.Query<long>(
            """
            select count(*)
            from auth_refresh_tokens
            where user_id = @id and token_hash = sha256(convert_to(@token, 'UTF8')) and expires_at = created_at + interval '30 days'
            """, new { id, token }));
    }

    [Theory]
    [InlineData("never issued")]
    [InlineData("\u0000")]
    public async Task An_unknown_token_opens_nothing(string token) => await Refused(token);

    [Fact]
    public async Task A_refresh_without_a_token_is_400() =>
        await (await fixture.Client().Post("/auth/refresh", new { })).Problem(HttpStatusCode.BadRequest, "validation_failed");

    [Fact]
    public async Task A_logout_ends_the_session_whichever_of_its_tokens_is_shown()
    {
        var first = await Session();
        var second = await Spend(first);
        using var answer = await fixture.Client().Post("/auth/logout", new { refresh_token = first });
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await Refused(second);
    }

    [Theory]
    [InlineData("""{"refresh_token":"never issued"}""")]
    [InlineData("""{"refresh_token":"\u0000"}""")]
    [InlineData("""{"refresh_token":"\ud800"}""")]
    [InlineData("""{"refresh_token":""}""")]
    [InlineData("""{"refresh_token":null}""")]
    [InlineData("""{"refresh_token":5}""")]
    [InlineData("""{"refresh_token":"a","refresh_token":"b"}""")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("refresh_token=x", "application/x-www-form-urlencoded")]
    [InlineData("{}", "application/json; charset=utf-16")]
    [InlineData("{}", "nonsense")]
    [InlineData("{}", null)]
    public async Task A_logout_is_204_for_every_body(string body, string? type = "application/json")
    {
        using var content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body));
        if (type is not null)
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await fixture.Client().PostAsync("/auth/logout", content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    [Fact]
    public async Task A_logout_without_a_body_is_204()
    {
        using var answer = await fixture.Client().PostAsync("/auth/logout", null, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData(null)]
    public async Task A_logout_ends_the_session_however_its_body_is_announced(string? type)
    {
        var token = await Session();
        using var content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes($$"""{"refresh_token":"{{token}}"}"""));
        if (type is not null)
            content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await fixture.Client().PostAsync("/auth/logout", content, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        await Refused(token);
    }

    [Fact]
    public async Task A_disabled_account_cannot_refresh_not_even_after_it_is_enabled_again()
    {
        var (id, email, _) = await fixture.NewUser();
        var token = await Sessions.Start(id, TestContext.Current.CancellationToken);
        var users = fixture.Services.GetRequiredService<UserRepository>();
        await users.SetDisabled(email, disabled: true, TestContext.Current.CancellationToken);
        await Refused(token);
        await users.SetDisabled(email, disabled: false, TestContext.Current.CancellationToken);
        await Refused(token);
    }

    [Fact]
    public async Task What_ran_out_is_forgotten()
    {
        var (id, _, _) = await fixture.NewUser();
        await Sessions.Start(id, TestContext.Current.CancellationToken);
        var living = await Sessions.Start(id, TestContext.Current.CancellationToken);
        await fixture.Query<object>(
            "update auth_refresh_tokens set expires_at = now() - interval '1 second' where user_id = @id and token_hash <> sha256(convert_to(@living, 'UTF8'))", new { id, living });
        await fixture.Services.GetRequiredService<ExpiredSessions>().Run(TestContext.Current.CancellationToken);
        Assert.Equal(1, await fixture.Query<long>("select count(*) from auth_refresh_tokens where user_id = @id", new { id }));
    }
}
