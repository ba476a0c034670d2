using System.Collections.Concurrent;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>A reader with a page open. What the page complained of fails the test when the reader leaves.</summary>
internal sealed class Visit : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> complaints = new();
    private readonly TaskCompletionSource listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IBrowserContext context;

    public Visit(IBrowserContext context, IPage page)
    {
        this.context = context;
        Page = page;
        page.PageError += (_, error) => complaints.Enqueue(error);
        page.Dialog += (_, dialog) => complaints.Enqueue($"The page opened a dialog: {dialog.Message}");
        page.Response += (_, response) =>
        {
            if (response.Ok && response.Url.Contains("/events", StringComparison.Ordinal))
                listening.TrySetResult();
        };
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal))
                complaints.Enqueue(message.Text);
        };
    }

    public IPage Page { get; }

    /// <summary>The user whose session the browser has; null for a guest.</summary>
    public long? UserId { get; init; }

    public IBrowserContext Context => context;

    /// <summary>Waits until the page's stream is open: what happens from then on reaches it.</summary>
    public Task Listening() => listening.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

    /// <summary>The thread that the page embeds.</summary>
    public ILocator Thread => Page.Locator("closure-comments");

    /// <summary>The comment that says this, without its replies.</summary>
    public ILocator Comment(string content) =>
        Page.Locator("article").Filter(new() { Has = Page.Locator(".text").GetByText(content, new() { Exact = true }) });

    public ILocator Comment(long id) => Page.Locator($"#comment-{id}");

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>The contents that are shown, from top to bottom.</summary>
    public Task<IReadOnlyList<string>> Contents() => Page.Locator("article .text").AllInnerTextsAsync();

    public async Task Shows(params string[] contents) => await Expect(Page.Locator("article .text")).ToHaveTextAsync(contents);

    public async Task Write(string content)
    {
        await Page.GetByPlaceholder("Join the conversation…").FillAsync(content);
        await Button("Post").ClickAsync();
    }

    public static async Task Reply(ILocator comment, string content)
    {
        await comment.GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true }).ClickAsync();
        await comment.GetByRole(AriaRole.Textbox).FillAsync(content);
        await comment.GetByRole(AriaRole.Button, new() { Name = "Post", Exact = true }).ClickAsync();
    }

    /// <summary>Keeps a picture of the page beside the test's results.</summary>
    public async Task Picture(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, "screenshots", name + ".png");
        await Page.ScreenshotAsync(new() { Path = path });
        TestContext.Current.AddAttachment(name + ".png", await File.ReadAllBytesAsync(path), "image/png");
    }

    public async ValueTask DisposeAsync()
    {
        await context.DisposeAsync();
        Assert.Empty(complaints);
    }
}
