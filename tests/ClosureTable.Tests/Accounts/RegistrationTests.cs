using System.Net;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Accounts;

public sealed class RegistrationTests(ServiceFixture fixture)
{
    private static string NewEmail() => $"{Guid.NewGuid():n}@example.org";

    private Task<HttpResponseMessage> Register(string email, string password = "a good password", string name = "Ann") =>
        fixture.Client().Post("/auth/register", new { email, password, name });

    [Fact]
    public async Task A_new_account_is_answered_without_its_password_and_trimmed()
    {
        var email = NewEmail();
        using var answer = await Register($"  {email} ", name: "  Ann ");
        var user = await answer.Json(HttpStatusCode.Created);

        Assert.Equal(["created_at", "email", "id", "name", "role"], user.EnumerateObject().Select(property => property.Name).Order());
        Assert.Equal(email, user.Text("email"));
        Assert.Equal("Ann", user.Text("name"));
        Assert.Equal("user", user.Text("role"));
        Assert.Equal(TimeSpan.Zero, user.GetProperty("created_at").GetDateTimeOffset().Offset);
        Assert.True(answer.Headers.CacheControl?.NoStore);
        Assert.Equal("/users/me", answer.Headers.Location?.ToString());
    }

    [Fact]
    public async Task The_password_is_kept_as_PBKDF2_with_SHA512_at_210000_iterations()
    {
        var email = NewEmail();
        await (await Register(email)).Json(HttpStatusCode.Created);

        var hash = Convert.FromBase64String(await fixture.Query<string>("select password_hash from auth_users where email = @email", new { email }));
        Assert.Equal(1, hash[0]);
        Assert.Equal(2u, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(1)));
        Assert.Equal(210_000u, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(5)));
    }

    [Fact]
    public async Task An_address_that_differs_in_case_only_is_taken()
    {
        var email = NewEmail();
        await (await Register(email)).Json(HttpStatusCode.Created);
        await (await Register(email.ToUpperInvariant())).Problem(HttpStatusCode.Conflict, "email_taken");
    }

    [Fact]
    public async Task Of_many_who_register_one_address_at_once_one_gets_it()
    {
        var email = NewEmail();
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Register(email)));
        Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.Created);
        Assert.Equal(5, answers.Count(answer => answer.StatusCode == HttpStatusCode.Conflict));
        Assert.Equal(1, await fixture.Query<long>("select count(*) from auth_users where email = @email", new { email }));
    }

    [Theory]
    [InlineData("12345678")]
    [InlineData("  spaces count  ")]
    [InlineData("пароль👩‍👩‍👧\u200f\t\n")]
    public async Task Any_characters_make_a_password(string password)
    {
        var email = NewEmail();
        await (await Register(email, password)).Json(HttpStatusCode.Created);
        await (await fixture.Client().Post("/auth/login", new { email, password })).Json();
        await (await fixture.Client().Post("/auth/login", new { email, password = password + " " })).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
    }

    [Theory]
    [InlineData(128, HttpStatusCode.Created)]
    [InlineData(129, HttpStatusCode.BadRequest)]
    [InlineData(200, HttpStatusCode.BadRequest)]
    public async Task A_password_has_at_most_128_characters_however_many_bytes(int length, HttpStatusCode status) =>
        await (await Register(NewEmail(), string.Concat(Enumerable.Repeat("🂡", length)))).Json(status);

    public static TheoryData<string, string, string> BadFields => new()
    {
        { "email", "email", "" },
        { "email", "email", "ann" },
        { "email", "email", "@example.org" },
        { "email", "email", "ann@" },
        { "email", "email", "a@b@example.org" },
        { "email", "email", "a nn@example.org" },
        { "email", "email", "ann\u0000@example.org" },
        { "email", "email", "ann@example.org\nBcc: bob" },
        { "email", "email", new string('a', 250) + "@x.org" },
        { "password", "password", "" },
        { "password", "password", "1234567" },
        { "password", "password", "12345678\u0000" },
        { "name", "name", "" },
        { "name", "name", " \t " },
        { "name", "name", "a\u0000b" },
        { "name", "name", "a\nb" },
        { "name", "name", "a\u001bb" },
        { "name", "name", "a\u2028b" },
        { "name", "name", "a\u202eb" },
        { "name", "name", "a\u2066b\u2069" },
        { "name", "name", "a\u200eb" },
        { "name", "name", "a\u200fb" },
        { "name", "name", "a\u061cb" },
        { "name", "name", "\u200b" },
        { "name", "name", "\u00ad\u2060\ufeff" },
        { "name", "name", "\u3164" },
        { "name", "name", "\u115f\u1160\uffa0" },
        { "name", "name", "\u2800 \u2800" },
        { "name", "name", "\u034f\ufe0f" },
        { "name", "name", "\U000e0020\U000e007f" },
        { "name", "name", new string('a', 65) },
    };

    [Theory, MemberData(nameof(BadFields))]
    public async Task A_bad_field_is_named(string field, string named, string value)
    {
        var body = new Dictionary<string, string> { ["email"] = NewEmail(), ["password"] = "a good password", ["name"] = "Ann", [field] = value };
        var problem = await (await fixture.Client().Post("/auth/register", body)).Problem(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal([named], problem.GetProperty("errors").EnumerateObject().Select(error => error.Name));
    }

    [Theory]
    [InlineData("\u4f60")]
    [InlineData("👩‍👩‍👧")]
    [InlineData("می‌خواهم")]
    [InlineData("❤️")]
    [InlineData("क्‍ष")]
    [InlineData(".")]
    public async Task A_name_may_have_invisible_characters_beside_what_shows(string name) =>
        Assert.Equal(name, (await (await Register(NewEmail(), name: name)).Json(HttpStatusCode.Created)).Text("name"));

    [Theory]
    [InlineData("""{"email":"\ud800@example.org","password":"12345678","name":"Ann"}""")]
    [InlineData("""{"email":"ann@example.org","password":"1234567\udc00","name":"Ann"}""")]
    [InlineData("""{"email":["ann@example.org"],"password":"12345678","name":"Ann"}""")]
    [InlineData("""{"email":null,"password":null,"name":null}""")]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("")]
    public async Task A_body_that_is_no_registration_is_400(string body)
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var answer = await fixture.Client().PostAsync("/auth/register", content, TestContext.Current.CancellationToken);
        await answer.Problem(HttpStatusCode.BadRequest);
    }
}
