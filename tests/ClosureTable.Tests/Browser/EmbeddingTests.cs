using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Tests.Fixture;
using Microsoft.Playwright;
using Npgsql;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>The thread in a page of another origin, and what that page can and cannot do.</summary>
[Collection(nameof(Chromium))]
public sealed class EmbeddingTests(ServiceFixture service, Chromium chromium) : IAsyncLifetime
{
    private readonly string topic = Conversation.NewTopic();
    private HostPage host = null!;

    public async ValueTask InitializeAsync() => host = await HostPage.Start();

    [Fact]
    public async Task It_reads_and_writes_from_an_allowed_origin_under_the_strictest_policy()
    {
        // Of several hosts, each of them the one server that there is: reads could go to a standby.
        var several = new NpgsqlConnectionStringBuilder(service.ConnectionString);
        several.Host += "," + several.Host;
        await using var instance = service.Instance(settings => settings
            .UseSetting("Cors:AllowedOrigins:0", host.Origin.GetLeftPart(UriPartial.Authority))
            .UseSetting("ConnectionStrings:Comments", several.ConnectionString));
        host.Service = instance.CreateClient().BaseAddress!;
        await (await service.SignedIn("ann")).Begin("Already here", topic);

        await using var guest = await chromium.Visit($"/?topic={topic}", origin: host.Origin);
        await guest.Shows("Already here");
        await Expect(guest.Page.Locator("closure-count")).ToHaveTextAsync("1");
        await guest.Write("From elsewhere");
        var dialog = guest.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Sign up" }).ClickAsync();
        await dialog.GetByLabel("Name").FillAsync("Guest");
        await dialog.GetByLabel("E-mail").FillAsync($"{Guid.NewGuid():n}@example.org");
        await dialog.GetByLabel("Password").FillAsync("correct horse");
        await dialog.GetByLabel("Password").PressAsync("Enter");

        await Expect(guest.Comment("From elsewhere")).ToBeVisibleAsync();
        // The sheet is there although the page allows no style at all.
        await Expect(guest.Comment("From elsewhere").Locator(".pic")).ToHaveCSSAsync("border-radius", "50%");

        // What was written is in what is read afterwards, on either server: the page may read the header, and send it back.
        var written = await guest.Page.RunAndWaitForResponseAsync(() => guest.Comment("From elsewhere").Locator(".like").ClickAsync(), answer => answer.Request.Method == "PUT");
        var read = await guest.Page.RunAndWaitForRequestFinishedAsync(() => guest.Page.GetByLabel("Order").SelectOptionAsync("old"), new() { Predicate = request => request.Url.Contains("/comments?", StringComparison.Ordinal) });
        Assert.Equal(await written.HeaderValueAsync("closuretable-seen"), await read.HeaderValueAsync("closuretable-seen"));
        Assert.NotNull(await read.HeaderValueAsync("closuretable-seen"));
        Assert.Equal(200, (await read.ResponseAsync())!.Status);
    }

    [Fact]
    public async Task It_does_not_work_from_an_origin_that_is_not_on_the_list()
    {
        host.Service = service.Client().BaseAddress!;
        await (await service.SignedIn("ann")).Begin("Not for them", topic);

        await using var guest = await chromium.Visit($"/?topic={topic}", origin: host.Origin);

        await Expect(guest.Thread.GetByText("Couldn't load comments.")).ToBeVisibleAsync();
        await Expect(guest.Page.Locator("article")).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("local", true)]
    [InlineData("tab", false)]
    [InlineData("memory", false)]
    public async Task A_session_is_kept_where_the_page_says_and_never_in_a_cookie(string session, bool kept)
    {
        host.Service = service.Client().BaseAddress!;
        var path = Chromium.Demo(topic, $"&session={session}");
        await using var reader = await chromium.Visit(path);
        await reader.Button("Sign in").ClickAsync();
        var dialog = reader.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Sign up" }).ClickAsync();
        await dialog.GetByLabel("Name").FillAsync("Kept");
        await dialog.GetByLabel("E-mail").FillAsync($"{Guid.NewGuid():n}@example.org");
        await dialog.GetByLabel("Password").FillAsync("correct horse");
        await dialog.GetByLabel("Password").PressAsync("Enter");
        await Expect(reader.Button("Sign out")).ToBeVisibleAsync();

        Assert.Empty(await reader.Context.CookiesAsync());
        // What the page's own scripts see: never an access token, which is a JWT and begins like every one.
        var stored = await reader.Page.EvaluateAsync<string>("""
            () => new Promise(done => {
              const request = indexedDB.open('closure-comments');
              request.onsuccess = () => {
                const all = request.result.transaction('sessions').objectStore('sessions').getAll();
                all.onsuccess = () => done(JSON.stringify([...Object.values(localStorage), ...Object.values(sessionStorage), ...all.result]));
              };
            })
            """);
        Assert.DoesNotContain("eyJ", stored, StringComparison.Ordinal);
        Assert.Equal(session == "memory", stored == "[]");

        await using var otherTab = new Visit(reader.Context, await reader.Context.NewPageAsync());
        await otherTab.Page.GotoAsync(path);
        await Expect(otherTab.Button(kept ? "Sign out" : "Sign in")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_script_is_small_and_asked_for_once()
    {
        var client = service.Client();
        var answer = await client.Get("/embed.js");
        var script = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);

        Assert.InRange(script.Length, 1, 20 * 1024);
        Assert.Equal("*", Assert.Single(answer.Headers.GetValues("Access-Control-Allow-Origin")));
        using var again = new HttpRequestMessage(HttpMethod.Get, "/embed.js");
        again.Headers.IfNoneMatch.Add(answer.Headers.ETag!);
        Assert.Equal(System.Net.HttpStatusCode.NotModified, (await client.SendAsync(again, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task The_russian_texts_have_the_keys_of_the_english_ones()
    {
        await using var reader = await chromium.Visit(Chromium.Demo(topic));
        var missing = await reader.Page.EvaluateAsync<string[]>("""
            async () => {
              const script = await (await fetch('embed.js')).text();
              const { default: russian } = await import(new URL('embed.ru.js', location).href);
              return Object.keys(russian).filter(key => !new RegExp(`[{,]"?${key}"?:`).test(script));
            }
            """);
        Assert.Empty(missing);
        Assert.Equal(34, await reader.Page.EvaluateAsync<int>("async () => Object.keys((await import(new URL('embed.ru.js', location).href)).default).length"));
    }

    public ValueTask DisposeAsync() => host.DisposeAsync();
}
