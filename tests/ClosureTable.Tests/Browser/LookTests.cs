using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Tests.Fixture;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>What axe-core finds, in light and in dark, on a screen and on a phone; and pictures of what it looked at.</summary>
[Collection(nameof(Chromium))]
public sealed class LookTests(ServiceFixture service, Chromium chromium)
{
    [Theory]
    [InlineData(ColorScheme.Light, 1000)]
    [InlineData(ColorScheme.Dark, 1000)]
    [InlineData(ColorScheme.Light, 380)]
    [InlineData(ColorScheme.Dark, 380)]
    public async Task The_demo_page_has_no_serious_accessibility_finding(ColorScheme scheme, int width)
    {
        var topic = Conversation.NewTopic();
        await Converse(topic);
        await using var reader = await chromium.Visit(Chromium.Demo(topic), user: "Grace Hopper", options: Shown(scheme, width));
        await Expect(reader.Button("Sign out")).ToBeVisibleAsync();
        await reader.Button("1 more reply").ClickAsync();
        await Expect(reader.Page.Locator("article")).ToHaveCountAsync(8);
        await reader.Comment("And when a branch moves?").GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true }).ClickAsync();
        await reader.Thread.EvaluateAsync("thread => thread.scrollIntoView()");

        await Check(reader, $"demo-{scheme}-{width}");

        await reader.Button("Sign out").ClickAsync();
        await reader.Button("Sign in").ClickAsync();
        await Expect(reader.Page.GetByRole(AriaRole.Dialog)).ToBeVisibleAsync();
        await Check(reader, $"sign-in-{scheme}-{width}");
    }

    [Theory]
    [InlineData(ColorScheme.Light)]
    [InlineData(ColorScheme.Dark)]
    public async Task The_explorer_has_no_serious_accessibility_finding(ColorScheme scheme)
    {
        await using var reader = await chromium.Visit("/explorer", options: Shown(scheme, 1300));
        await reader.Button("Create a new thread").ClickAsync();
        await Expect(reader.Button("Create a new thread")).ToBeEnabledAsync();
        await reader.Page.Locator(".node").Nth(2).ClickAsync();

        await Check(reader, $"explorer-{scheme}");
    }

    private static Action<BrowserNewContextOptions> Shown(ColorScheme scheme, int width) => options =>
    {
        options.ColorScheme = scheme;
        options.ViewportSize = new() { Width = width, Height = 1000 };
        options.ReducedMotion = ReducedMotion.Reduce;
    };

    private static async Task Check(Visit visit, string name)
    {
        await visit.Picture(name);
        var result = await visit.Page.RunAxe();
        var findings = result.Violations.Where(violation => violation.Impact is "serious" or "critical")
            .SelectMany(violation => violation.Nodes.Select(node => $"{violation.Id}: {violation.Help}: {node.Html}"));
        Assert.Empty(findings);
        // Something was looked at: a run that finds nothing because it saw nothing would pass too.
        Assert.Contains(result.Passes, pass => pass.Id == "color-contrast");
    }

    /// <summary>A conversation with all that a comment can have.</summary>
    private async Task Converse(string topic)
    {
        var ann = await service.SignedIn("Ann Kuznetsova");
        var bob = await service.SignedIn("bob");
        var chidi = await service.SignedIn("Chidi Okafor");
        var maria = await service.SignedIn("Мария");
        var root = await ann.Begin("The part that sold me: reading a whole branch is one range of one index, and so is the way up to the root.\n\nWe had recursive queries before. They were fine until a user wanted a count.", topic);
        var size = await bob.Reply(root.Id(), "How large does the table get? One row for each ancestor sounds like a lot.");
        var answer = await ann.Reply(size.Id(), "About six rows a comment in real threads: they are wide, not deep. There is a picture at https://en.wikipedia.org/wiki/Tree_(abstract_data_type).");
        await maria.Reply(answer.Id(), "У нас примерно так же.");
        var gone = await bob.Reply(root.Id(), "To be deleted");
        await chidi.Reply(gone.Id(), "A reply keeps its place when what it replies to is gone.");
        await bob.Delete($"/comments/{gone.Id()}");
        var moves = await chidi.Begin("And when a branch moves?", topic);
        await ann.Reply(moves.Id(), "Cut the rows to the old ancestors, join the new ones. The explorer shows which.");
        await ann.Patch($"/comments/{answer.Id()}", new { content = "About six rows a comment in real threads: they are wide, not deep. There is a picture at https://en.wikipedia.org/wiki/Tree_(abstract_data_type)." + " (Edited.)" });
        foreach (var fan in new[] { bob, chidi, maria })
            await fan.Put($"/comments/{root.Id()}/like");
        await maria.Put($"/comments/{answer.Id()}/like");
    }
}
