using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;

namespace ClosureTable.Tests.Browser;

[CollectionDefinition(nameof(Chromium))]
public sealed class TestsInChromium : ICollectionFixture<Chromium>;

/// <summary>
/// One Chromium for all tests in a browser: the one that <c>CHROMIUM</c> names or that <c>PATH</c> has. Playwright drives it
/// and downloads none of its own. It talks to loopback alone.
/// </summary>
public sealed class Chromium(ServiceFixture service) : IAsyncLifetime
{
    private IPlaywright playwright = null!;
    private IBrowser browser = null!;

    public async ValueTask InitializeAsync()
    {
        // Patience for a machine with other things to do; a test that passes does not wait for it.
        Assertions.SetDefaultExpectTimeout(20_000);
        playwright = await Playwright.CreateAsync();
        browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Find(),
            Args =
            [
                // Its sandbox does not start for root, and all that it shows here are pages of ours.
                "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
            ],
        });
    }

    private static readonly string[] Names = ["chromium", "chromium-browser", "google-chrome"];

    private static string Find()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named)
            return File.Exists(named) ? named : throw new InvalidOperationException($"CHROMIUM names {named}, and there is no such file.");
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(directory => Names.Select(name => Path.Combine(directory, name)))
            .FirstOrDefault(File.Exists)
            ?? throw new InvalidOperationException(
                "The tests in a browser need Chromium, and PATH has none. On Debian: apt-get install chromium. Elsewhere name it: CHROMIUM=/path/to/chromium.");
    }

    /// <summary>Opens an address of the service in a browser of its own, as a guest or with the session of a user.</summary>
    internal async Task<Visit> Visit(string path, string? user = null, string? role = null, Action<BrowserNewContextOptions>? options = null, Uri? origin = null)
    {
        origin ??= service.Client().BaseAddress!;
        var settings = new BrowserNewContextOptions { BaseURL = origin.ToString(), Locale = "en-GB", ViewportSize = new() { Width = 1000, Height = 900 } };
        options?.Invoke(settings);
        var context = await browser.NewContextAsync(settings);
        context.SetDefaultTimeout(20_000);
        long? userId = user is null ? null : (await service.NewUser(user, role ?? Roles.User)).Id;
        var visit = new Visit(context, await context.NewPageAsync()) { UserId = userId };
        if (userId is not null)
        {
            var refreshToken = await service.Services.GetRequiredService<SessionRepository>().Start(userId.Value, TestContext.Current.CancellationToken);
            // A page of the same origin that does nothing, to put the session where the thread keeps it.
            await visit.Page.GotoAsync("/icon.svg");
            await visit.Page.EvaluateAsync("""
                ([server, token]) => new Promise(done => {
                  const request = indexedDB.open('closure-comments');
                  request.onupgradeneeded = () => request.result.createObjectStore('sessions');
                  request.onsuccess = () => {
                    const transaction = request.result.transaction('sessions', 'readwrite');
                    transaction.objectStore('sessions').put(token, server);
                    transaction.oncomplete = () => done();
                  };
                })
                """, new[] { origin.ToString(), refreshToken });
        }

        await visit.Page.GotoAsync(path);
        return visit;
    }

    /// <summary>The address of the demo page with a thread of its own.</summary>
    internal static string Demo(string topic, string rest = "") => $"/?topic={Uri.EscapeDataString(topic)}{rest}";

    public async ValueTask DisposeAsync()
    {
        if (browser is not null)
            await browser.DisposeAsync();
        playwright?.Dispose();
    }
}
