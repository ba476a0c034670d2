using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Tests.Fixture;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>Two readers of one thread: what one does, the other sees, and nothing moves under the other's eyes.</summary>
[Collection(nameof(Chromium))]
public sealed class LiveTests(ServiceFixture service, Chromium chromium)
{
    private readonly string topic = Conversation.NewTopic();

    [Fact]
    public async Task What_one_browser_writes_the_other_sees()
    {
        await (await service.SignedIn("carol")).Begin("Anybody here?", topic);
        await using var ann = await chromium.Visit(Chromium.Demo(topic, "&sort=old"), user: "ann");
        await using var bob = await chromium.Visit(Chromium.Demo(topic, "&sort=old"), user: "bob");
        await ann.Shows("Anybody here?");
        await ann.Listening();

        await Visit.Reply(bob.Comment("Anybody here?"), "Yes");
        await ann.Button("1 new reply").ClickAsync();
        await ann.Shows("Anybody here?", "Yes");
        await Expect(ann.Comment("Yes")).ToBeFocusedAsync();
        await Expect(ann.Page.GetByRole(AriaRole.Heading, new() { Name = "2 comments" })).ToBeVisibleAsync();

        await bob.Comment("Anybody here?").Locator(".like").ClickAsync();
        await Expect(ann.Comment("Anybody here?").Locator(".like")).ToHaveTextAsync("1");
        await Expect(ann.Comment("Anybody here?").Locator(".like")).ToHaveAttributeAsync("aria-pressed", "false");
        await ann.Comment("Anybody here?").Locator(".like").ClickAsync();
        await Expect(bob.Comment("Anybody here?").Locator(".like")).ToHaveTextAsync("2");
        await Expect(bob.Comment("Anybody here?").Locator(".like")).ToHaveAttributeAsync("aria-pressed", "true");

        await bob.Comment("Yes").GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await bob.Comment("Yes").GetByRole(AriaRole.Textbox).FillAsync("Yes, me");
        await bob.Button("Save").ClickAsync();
        await Expect(ann.Comment("Yes, me")).ToBeVisibleAsync();

        await bob.Comment("Yes, me").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await bob.Button("Really delete?").ClickAsync();
        await ann.Shows("Anybody here?");
        await Expect(ann.Page.GetByRole(AriaRole.Heading, new() { Name = "1 comment", Exact = true })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Nothing_moves_under_the_readers_eyes()
    {
        var carol = await service.SignedIn("carol");
        var comments = new List<long>();
        for (var i = 0; i < 15; i++)
            comments.Add((await carol.Begin($"Comment {i}", topic)).Id());

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&sort=old"), user: "dave");
        await reader.Comment(comments[8]).ScrollIntoViewIfNeededAsync();
        await reader.Comment(comments[8]).EvaluateAsync("article => article.scrollIntoView({ block: 'center' })");
        await reader.Listening();
        var before = await Top();

        // Above: one grows, one goes, one gets a reply. And one of all is new.
        await carol.Patch($"/comments/{comments[1]}", new { content = string.Join("\n\n", Enumerable.Repeat("Much longer than it was", 10)) });
        await carol.Delete($"/comments/{comments[2]}");
        await carol.Reply(comments[3], "Above");
        await carol.Reply(comments[8], "Right here");
        await carol.Begin("The newest", topic);

        await Expect(reader.Button("1 new comment")).ToBeVisibleAsync();
        await Expect(reader.Comment(comments[2])).ToHaveCountAsync(0);
        await Expect(reader.Comment(comments[8]).GetByText("1 new reply")).ToBeVisibleAsync();
        Assert.Equal(before, await Top(), tolerance: 1);

        await reader.Button("1 new comment").ClickAsync();
        await Expect(reader.Comment("The newest")).ToBeInViewportAsync();

        Task<double> Top() => reader.Comment(comments[8]).EvaluateAsync<double>("article => article.getBoundingClientRect().top");
    }

    [Fact]
    public async Task What_is_typed_and_where_the_focus_is_survive_what_others_do()
    {
        var carol = await service.SignedIn("carol");
        var root = await carol.Begin("Before", topic);

        await using var dave = await chromium.Visit(Chromium.Demo(topic), user: "dave");
        await dave.Comment(root.Id()).GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true }).ClickAsync();
        await dave.Page.Keyboard.TypeAsync("Half a ");
        await dave.Listening();

        await carol.Patch($"/comments/{root.Id()}", new { content = "After" });
        await Expect(dave.Comment("After")).ToBeVisibleAsync();
        await dave.Page.Keyboard.TypeAsync("sentence");

        await Expect(dave.Comment(root.Id()).GetByRole(AriaRole.Textbox)).ToHaveValueAsync("Half a sentence");
    }

    [Fact]
    public async Task The_count_follows_tombstones_that_come_and_go_without_being_asked_for()
    {
        var carol = await service.SignedIn("carol");
        var root = await carol.Begin("Stays", topic);
        var parent = await carol.Reply(root.Id(), "Goes");
        var leaf = await carol.Reply(parent.Id(), "Goes last");
        await using var reader = await chromium.Visit(Chromium.Demo(topic));
        await reader.Shows("Stays", "Goes", "Goes last");
        await Count("3 comments");
        await reader.Listening();
        await reader.Page.RouteAsync("**/topics/counts*", route => route.AbortAsync());

        await carol.Delete($"/comments/{parent.Id()}");
        await Expect(reader.Comment("This comment was deleted.")).ToBeVisibleAsync();
        await Count("2 comments");
        await carol.Delete($"/comments/{leaf.Id()}");
        await reader.Shows("Stays");
        await Count("1 comment");

        Task Count(string text) => Expect(reader.Page.GetByRole(AriaRole.Heading, new() { Name = text, Exact = true })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_moved_branch_is_shown_where_it_is_now()
    {
        var carol = await service.SignedIn("carol");
        var one = await carol.Begin("One", topic);
        var two = await carol.Begin("Two", topic);
        var branch = await carol.Reply(one.Id(), "A branch");
        await carol.Reply(branch.Id(), "With a leaf");

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&sort=old"));
        await reader.Shows("One", "A branch", "With a leaf", "Two");
        await reader.Listening();
        await (await service.Moderator()).Put($"/comments/{branch.Id()}/parent", new { parent_id = two.Id() });

        await reader.Shows("One", "Two", "A branch", "With a leaf");
    }
}
