using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace ClosureTable.Tests.Accounts;

public sealed class LoginTests(ServiceFixture fixture)
{
    private const string Password = "a good password";

    /// <summary>An account with a password of the least cost, so that a test may sign in often.</summary>
    private async Task<string> Account(string password = Password, int iterations = 1)
    {
        var (id, email, _) = await fixture.NewUser();
        var hasher = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = iterations }));
        await fixture.Query<object>("update auth_users set password_hash = @hash where id = @id", new { id, hash = hasher.HashPassword(id, password) });
        return email;
    }

    private Task<HttpResponseMessage> Login(string email, string password = Password) => fixture.Client().Post("/auth/login", new { email, password });

    [Fact]
    public async Task A_login_in_any_case_answers_a_token_that_opens_the_account()
    {
        var email = await Account();
        using var answer = await Login($" {email.ToUpperInvariant()} ");
        var session = await answer.Json();

        Assert.Equal(["expired", "refresh_token", "token"], session.EnumerateObject().Select(property => property.Name).Order());
        Assert.True(answer.Headers.CacheControl?.NoStore);
        Assert.InRange(session.GetProperty("expired").GetDateTimeOffset(), DateTimeOffset.UtcNow.AddMinutes(14), DateTimeOffset.UtcNow.AddMinutes(15));
        var me = await (await fixture.Client().With(session.Text("token")).Get("/users/me")).Json();
        Assert.Equal(email, me.Text("email"));
    }

    [Fact]
    public async Task The_article_s_header_carries_a_token_too()
    {
        var (id, _, token) = await fixture.NewUser();
        var client = fixture.Client();
        client.DefaultRequestHeaders.Add("X-Auth-Token", token);
        Assert.Equal(id, (await (await client.Get("/users/me")).Json()).GetProperty("id").GetInt64());
    }

    [Theory]
    [InlineData("access_token")]
    [InlineData("token")]
    [InlineData("X-Auth-Token")]
    public async Task A_token_in_the_query_string_is_no_token(string parameter)
    {
        var (_, _, token) = await fixture.NewUser();
        await (await fixture.Client().Get($"/users/me?{parameter}={token}")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_wrong_password_and_an_unknown_address_get_the_same_answer()
    {
        using var wrong = await Login(await Account(), "another password");
        using var unknown = await Login($"{Guid.NewGuid():n}@example.org");
        var first = await wrong.Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
        var second = await unknown.Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
        Assert.Equal(first.Text("detail"), second.Text("detail"));
        Assert.Equal(wrong.Headers.Select(header => header.Key).Order(), unknown.Headers.Select(header => header.Key).Order());
        Assert.Equal("Bearer", Assert.Single(wrong.Headers.WwwAuthenticate).Scheme);
    }

    /// <summary>What the time of a login is spent on, counted rather than timed.</summary>
    [Fact]
    public async Task An_unknown_address_costs_the_same_verification_as_a_known_one()
    {
        var hasher = new CountingHasher();
        await using var instance = fixture.Instance(host => host.ConfigureServices(services => services.AddSingleton<IPasswordHasher<User>>(hasher)));
        var client = instance.CreateClient();
        var email = $"{Guid.NewGuid():n}@example.org";
        await (await client.Post("/auth/register", new { email, password = Password, name = "Ann" })).Json(HttpStatusCode.Created);
        Assert.Equal(["hash"], hasher.Take());
        // Registering an address that is taken costs what a new one costs.
        await (await client.Post("/auth/register", new { email, password = Password, name = "Ann" })).Json(HttpStatusCode.Conflict);
        Assert.Equal(["hash"], hasher.Take());

        foreach (var address in new[] { email, $"{Guid.NewGuid():n}@example.org" })
        {
            await (await client.Post("/auth/login", new { email = address, password = "another password" })).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
            // PBKDF2 with SHA-512, 210,000 rounds, 16 bytes of salt, 32 of key.
            Assert.Equal(["verify 2 210000 16 32 Failed"], hasher.Take());
        }
    }

    /// <summary>Does what the service's own does, and says what that was.</summary>
    private sealed class CountingHasher : IPasswordHasher<User>
    {
        private readonly PasswordHasher<User> real = new(Options.Create(new PasswordHasherOptions { IterationCount = Passwords.Iterations }));
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> done = [];

        public string[] Take()
        {
            var taken = done.ToArray();
            done.Clear();
            return taken;
        }

        public string HashPassword(User user, string password)
        {
            done.Enqueue("hash");
            return real.HashPassword(user, password);
        }

        public PasswordVerificationResult VerifyHashedPassword(User user, string hashedPassword, string providedPassword)
        {
            var result = real.VerifyHashedPassword(user, hashedPassword, providedPassword);
            var hash = Convert.FromBase64String(hashedPassword);
            var numbers = Enumerable.Range(0, 3).Select(i => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(1 + 4 * i))).ToArray();
            done.Enqueue($"verify {string.Join(' ', numbers)} {hash.Length - 13 - numbers[2]} {result}");
            return result;
        }
    }

    [Theory]
    [InlineData("ann@example.org", "a\u0000b")]
    [InlineData("ann\u0000@example.org", "12345678")]
    [InlineData("ann", "12345678")]
    public async Task A_login_that_cannot_be_is_400(string email, string password) =>
        await (await Login(email, password)).Problem(HttpStatusCode.BadRequest, "validation_failed");

    [Fact]
    public async Task A_password_of_200_characters_is_400() =>
        await (await Login("ann@example.org", new string('x', 200))).Problem(HttpStatusCode.BadRequest, "validation_failed");

    [Fact]
    public async Task A_hash_of_an_older_cost_is_renewed_by_the_login()
    {
        var email = await Account();
        var old = await Hash();
        await (await Login(email)).Json();
        Assert.NotEqual(old, await Hash());
        await (await Login(email)).Json();

        Task<string> Hash() => fixture.Query<string>("select password_hash from auth_users where email = @email", new { email });
    }

    [Fact]
    public async Task After_ten_failures_an_address_waits_even_with_the_right_password()
    {
        var email = await Account();
        for (var failure = 0; failure < 10; failure++)
            await (await Login(email, "wrong")).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");

        using var answer = await Login(email);
        await answer.Problem(HttpStatusCode.TooManyRequests, "too_many_logins");
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(15));
        await (await Login(await Account())).Json();
    }

    /// <summary>
    /// Where the database's lower() and ours disagree, as on the Turkish I, a spelling that finds the account must be one of
    /// those that count together; one that does not find it gains nothing by its own count.
    /// </summary>
    [Fact]
    public async Task Spellings_of_an_address_that_find_one_account_share_its_failures()
    {
        var address = $"{Guid.NewGuid():n}@example.org";
        var email = $"İ{address}";
        await fixture.Query<object>("update auth_users set email = @email where email = @old", new { email, old = await Account() });
        var folded = await fixture.Query<string>("select lower(@email)", new { email });
        // Or the test would show nothing: this database knows the letter, and we fold it otherwise.
        Assert.NotEqual(email, folded);
        Assert.NotEqual(folded, email.ToLowerInvariant());

        var spellings = new[] { email, folded, $"i{address}", $"I{address}", $"ı{address}", $"i\u0307{address}", $"I\u0307{address}", email.ToUpperInvariant(), $" {folded}\t" };
        var finding = new List<string>();
        foreach (var spelling in spellings)
        {
            if (await fixture.Query<bool>("select lower(@spelling) = @folded", new { spelling = spelling.Trim(), folded }))
                finding.Add(spelling);
        }

        Assert.True(finding.Count >= 4);
        for (var failure = 0; failure < 10; failure++)
            await (await Login(finding[failure % finding.Count], "wrong")).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
        foreach (var spelling in spellings)
        {
            using var answer = await Login(spelling);
            if (finding.Contains(spelling))
                await answer.Problem(HttpStatusCode.TooManyRequests, "too_many_logins");
            else
                await answer.Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
        }
    }

    [Fact]
    public async Task The_wait_ends_with_the_window()
    {
        var email = await Account();
        for (var failure = 0; failure < 11; failure++)
            await Login(email, "wrong");
        await fixture.Query<object>("update auth_login_failures set resets_at = now() where key = any(@keys)", new
        {
            keys = new[] { "address " + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(email))) },
        });
        await (await Login(email)).Json();
    }

    [Fact]
    public async Task A_login_that_succeeds_clears_the_address()
    {
        var email = await Account();
        for (var round = 0; round < 2; round++)
        {
            for (var failure = 0; failure < 9; failure++)
                await (await Login(email, "wrong")).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
            await (await Login(email)).Json();
        }
    }

    [Fact]
    public async Task A_client_that_tries_many_addresses_waits_and_others_do_not()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Authentication:FailedLoginsPerClient", "3").ConfigurePeers());
        var peer = Peers.NewAddress();
        for (var failure = 0; failure < 3; failure++)
            await (await instance.CreateClient().From(peer).Post("/auth/login", new { email = await Account(), password = "wrong" })).Json(HttpStatusCode.Unauthorized);

        var body = new { email = await Account(), password = Password };
        await (await instance.CreateClient().From(peer).Post("/auth/login", body)).Problem(HttpStatusCode.TooManyRequests, "too_many_logins");
        await (await instance.CreateClient().From(Peers.NewAddress()).Post("/auth/login", body)).Json();
    }

    [Fact]
    public async Task A_storm_of_logins_is_turned_away_before_it_takes_all_cores()
    {
        await using var instance = fixture.Instance(_ => { });
        var client = instance.CreateClient();
        using var storm = new CancellationTokenSource();
        // One more than the service lets wait is enough, unless some are done by then.
        var logins = Enumerable.Range(0, 40 * Environment.ProcessorCount).Select(async _ =>
        {
            using var body = System.Net.Http.Json.JsonContent.Create(new { email = $"{Guid.NewGuid():n}@example.org", password = Password });
            return await client.PostAsync("/auth/login", body, storm.Token);
        }).ToList();

        HttpResponseMessage? refused = null;
        while (refused is null && logins.Count > 0)
        {
            var done = await Task.WhenAny(logins);
            logins.Remove(done);
            if ((await done).StatusCode == HttpStatusCode.ServiceUnavailable)
                refused = await done;
        }

        await storm.CancelAsync();
        await Task.WhenAll(logins.Select(login => login.ContinueWith(_ => { }, TaskScheduler.Default)));
        Assert.NotNull(refused);
        await refused.Problem(HttpStatusCode.ServiceUnavailable, "busy");
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_disabled_account_cannot_sign_in_and_only_its_owner_learns_why()
    {
        var email = await Account();
        await fixture.Services.GetRequiredService<UserRepository>().SetDisabled(email, disabled: true, TestContext.Current.CancellationToken);
        await (await Login(email, "wrong")).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
        await (await Login(email)).Problem(HttpStatusCode.Unauthorized, "account_disabled");

        await fixture.Services.GetRequiredService<UserRepository>().SetDisabled(email, disabled: false, TestContext.Current.CancellationToken);
        await (await Login(email)).Json();
    }
}
