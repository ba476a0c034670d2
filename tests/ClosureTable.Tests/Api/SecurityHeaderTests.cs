using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Api;

public sealed class SecurityHeaderTests(ServiceFixture fixture)
{
    [Theory]
    [InlineData("/comments")]
    [InlineData("/comments?limit=x")]
    [InlineData("/comments/9223372036854775807")]
    [InlineData("/users/me")]
    [InlineData("/nothing/here")]
    [InlineData("/health/live")]
    [InlineData("/api/doc/v1/openapi.json")]
    [InlineData("/embed.js")]
    public async Task An_answer_that_is_no_page_runs_and_loads_nothing(string path)
    {
        using var answer = await fixture.Client().Get(path);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
        Assert.Equal("default-src 'none'; frame-ancestors 'none'", Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/problems")]
    [InlineData("/api/doc")]
    [InlineData("/api/doc/swagger-ui-bundle.js")]
    public async Task A_page_loads_its_own_files_and_nothing_inline(string path)
    {
        using var answer = await fixture.Client().Get(path);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Single(answer.Headers.GetValues("Referrer-Policy"));
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self'; style-src 'self'", policy);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
    }
}
