using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Accounts;

/// <summary>The operator's commands, as processes beside the running service.</summary>
public sealed class UsersCommandTests(ServiceFixture fixture)
{
    private Task<(int ExitCode, string Output, string Error)> Users(params string[] args) => Cli.Run(fixture.ConnectionString, ["users", .. args]);

    [Fact]
    public async Task Promote_makes_a_moderator_from_the_next_refresh_on_and_a_user_again()
    {
        var (id, email, _) = await fixture.NewUser();
        var refreshToken = await fixture.Services.GetRequiredService<SessionRepository>().Start(id, TestContext.Current.CancellationToken);

        var (exitCode, output, _) = await Users("promote", email.ToUpperInvariant(), "--role", "moderator");
        Assert.Equal(0, exitCode);
        Assert.Contains("moderator", output, StringComparison.Ordinal);
        var session = await (await fixture.Client().Post("/auth/refresh", new { refresh_token = refreshToken })).Json();
        Assert.Equal("moderator", new Microsoft.IdentityModel.JsonWebTokens.JsonWebToken(session.Text("token")).GetClaim("role").Value);

        Assert.Equal(0, (await Users("promote", $"{id}", "--role", "user")).ExitCode);
        Assert.Equal("user", await fixture.Query<string>("select role from auth_users where id = @id", new { id }));
    }

    [Fact]
    public async Task List_names_all_users_and_says_who_is_disabled()
    {
        var (id, email, _) = await fixture.NewUser("Bob");
        await Users("disable", email);
        var (exitCode, output, _) = await Users("list");
        Assert.Equal(0, exitCode);
        var line = Assert.Single(output.Split('\n'), line => line.Contains(email, StringComparison.Ordinal));
        Assert.Contains("disabled", line, StringComparison.Ordinal);
        Assert.Contains("Bob", line, StringComparison.Ordinal);
        Assert.Contains($"{id}", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disable_locks_out_the_access_tokens_that_are_about_and_enable_lets_them_in()
    {
        var (_, email, token) = await fixture.NewUser();
        var client = fixture.Client().With(token);
        await (await client.Get("/users/me")).Json();

        Assert.Equal(0, (await Users("disable", email)).ExitCode);
        await Eventually(client, HttpStatusCode.Unauthorized, "error=\"invalid_token\"");

        Assert.Equal(0, (await Users("enable", email)).ExitCode);
        await Eventually(client, HttpStatusCode.OK, "");
    }

    private static Task Eventually(HttpClient client, HttpStatusCode status, string challenge) => Wait.Until(
        async () =>
        {
            using var answer = await client.Get("/users/me");
            return answer.StatusCode == status && answer.Headers.WwwAuthenticate.ToString().Contains(challenge, StringComparison.Ordinal);
        },
        $"the answer is {status}");

    [Fact]
    public async Task An_account_that_is_not_there_is_said_to_be_missing()
    {
        var (exitCode, output, _) = await Users("disable", "unknown@example.org");
        Assert.Equal(1, exitCode);
        Assert.Contains("unknown@example.org", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_that_does_not_exist_is_refused()
    {
        var (_, email, _) = await fixture.NewUser();
        Assert.NotEqual(0, (await Users("promote", email, "--role", "emperor")).ExitCode);
        Assert.Equal("user", await fixture.Query<string>("select role from auth_users where email = @email", new { email }));
    }
}
