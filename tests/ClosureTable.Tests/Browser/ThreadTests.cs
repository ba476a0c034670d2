using System.Collections.Concurrent;
using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>The embedded thread as its readers and writers meet it.</summary>
[Collection(nameof(Chromium))]
public sealed class ThreadTests(ServiceFixture service, Chromium chromium)
{
    private readonly string topic = Conversation.NewTopic();

    [Fact]
    public async Task A_thread_is_shown_with_its_replies_below_their_parents()
    {
        var ann = await service.SignedIn("ann");
        var root = await ann.Begin("Which trees do you know?", topic);
        var oak = await ann.Reply(root.Id(), "Oak");
        await ann.Reply(oak.Id(), "Which kind?");
        await ann.Reply(root.Id(), "Birch");

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&sort=old"));

        await reader.Shows("Which trees do you know?", "Oak", "Which kind?", "Birch");
        await Expect(reader.Page.GetByRole(AriaRole.Heading, new() { Name = "4 comments" })).ToBeVisibleAsync();
        await Expect(reader.Thread.Locator("ol ol ol li article .text")).ToHaveTextAsync("Which kind?");
    }

    [Fact]
    public async Task An_empty_thread_invites_the_first_comment_and_a_guest_signs_up_without_losing_a_word()
    {
        await using var guest = await chromium.Visit(Chromium.Demo(topic));
        await Expect(guest.Page.GetByText("No comments yet. Be the first to comment.")).ToBeVisibleAsync();

        await guest.Write("The first word");
        var dialog = guest.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Sign up" }).ClickAsync();
        await dialog.GetByLabel("Name").FillAsync("Grace");
        await dialog.GetByLabel("E-mail").FillAsync($"{Guid.NewGuid():n}@example.org");
        await dialog.GetByLabel("Password").FillAsync("correct horse");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Sign up" }).ClickAsync();

        await guest.Shows("The first word");
        await Expect(guest.Comment("The first word").Locator("header b")).ToHaveTextAsync("Grace");
        await Expect(guest.Page.GetByRole(AriaRole.Heading, new() { Name = "1 comment", Exact = true })).ToBeVisibleAsync();
        await Expect(guest.Page.GetByPlaceholder("Join the conversation…")).ToHaveValueAsync("");
    }

    [Fact]
    public async Task A_wrong_password_is_said_where_it_was_typed()
    {
        await using var guest = await chromium.Visit(Chromium.Demo(topic));
        await guest.Button("Sign in").ClickAsync();
        var dialog = guest.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("E-mail").FillAsync($"{Guid.NewGuid():n}@example.org");
        await dialog.GetByLabel("Password").FillAsync("not the password");
        await dialog.GetByLabel("Password").PressAsync("Enter");

        await Expect(dialog.GetByRole(AriaRole.Alert)).Not.ToBeEmptyAsync();
        await guest.Page.Keyboard.PressAsync("Escape");
        await Expect(dialog).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_reply_appears_below_its_parent_and_is_there_after_a_reload()
    {
        var ann = await service.SignedIn("ann");
        await ann.Begin("One", topic);
        await ann.Begin("Two", topic);

        await using var bob = await chromium.Visit(Chromium.Demo(topic, "&sort=old"), user: "bob");
        await Visit.Reply(bob.Comment("One"), "A reply to one");

        await bob.Shows("One", "A reply to one", "Two");
        await bob.Page.ReloadAsync();
        await bob.Shows("One", "A reply to one", "Two");
        await Expect(bob.Button("Sign out")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_author_edits_and_deletes_what_is_theirs_and_nothing_else()
    {
        var ann = await service.SignedIn("ann");
        await ann.Begin("Not bob's", topic);

        await using var bob = await chromium.Visit(Chromium.Demo(topic, "&sort=old"), user: "bob");
        await bob.Write("Bob's, with a tpyo");
        await Expect(bob.Comment("Not bob's").GetByRole(AriaRole.Button, new() { Name = "Edit" })).ToBeHiddenAsync();

        var own = bob.Comment("Bob's, with a tpyo");
        await own.GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await own.GetByRole(AriaRole.Textbox).FillAsync("Bob's, without");
        await own.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(bob.Comment("Bob's, without").GetByText("edited")).ToBeVisibleAsync();

        await bob.Comment("Bob's, without").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await bob.Comment("Bob's, without").GetByRole(AriaRole.Button, new() { Name = "Really delete?" }).ClickAsync();
        await bob.Shows("Not bob's");
        // After deleting with the keyboard, the focus does not return to the top of the page.
        await Expect(bob.Comment("Not bob's")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_deleted_comment_with_replies_leaves_its_place_and_goes_with_the_last_of_them()
    {
        var ann = await service.SignedIn("ann");
        var root = await ann.Begin("Asked", topic);

        await using var moderator = await chromium.Visit(Chromium.Demo(topic), user: "mod", role: Roles.Moderator);
        await Visit.Reply(moderator.Comment("Asked"), "Answered");
        await Delete("Asked");
        await moderator.Shows("This comment was deleted.", "Answered");

        await Delete("Answered");
        await Expect(moderator.Page.Locator("article")).ToHaveCountAsync(0);
        Assert.Equal(HttpStatusCode.NotFound, (await ann.Get($"/comments/{root.Id()}")).StatusCode);

        async Task Delete(string content)
        {
            await moderator.Comment(content).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
            await moderator.Comment(content).GetByRole(AriaRole.Button, new() { Name = "Really delete?" }).ClickAsync();
        }
    }

    [Fact]
    public async Task Every_comment_of_a_large_thread_is_reached_and_shown_once()
    {
        var ann = await service.SignedIn("ann");
        var all = new List<long>();
        for (var i = 0; i < 25; i++)
            all.Add((await ann.Begin($"Root {i}", topic)).Id());
        for (var i = 0; i < 25; i++)
            all.Add((await ann.Reply(all[0], $"Reply {i}")).Id());
        var deep = all[^1];
        for (var level = 2; level < 9; level++)
            all.Add(deep = (await ann.Reply(deep, $"Level {level}")).Id());

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&sort=old"));
        await Expect(reader.Page.Locator("article").First).ToBeVisibleAsync();
        var more = reader.Page.Locator("li.rest:not([hidden]) > button");
        for (var pages = 0; await more.CountAsync() > 0; pages++)
        {
            Assert.True(pages < 40, "There is always more.");
            var before = await reader.Page.Locator("article").CountAsync();
            await more.First.ClickAsync();
            await Expect(reader.Page.Locator("article")).Not.ToHaveCountAsync(before);
        }

        var ids = await reader.Page.Locator("article").EvaluateAllAsync<string[]>("articles => articles.map(article => article.id)");
        Assert.Equal(all.Select(id => $"comment-{id}").Order(), ids.Order());
    }

    [Fact]
    public async Task Another_order_keeps_what_was_opened_folded_and_typed()
    {
        var ann = await service.SignedIn("ann");
        var first = await ann.Begin("First", topic);
        var second = await ann.Begin("Second", topic);
        for (var i = 0; i < 8; i++)
            await ann.Reply(first.Id(), $"Reply {i}");
        await ann.Reply(second.Id(), "To be folded");

        await using var bob = await chromium.Visit(Chromium.Demo(topic, "&sort=old"), user: "bob");
        await bob.Page.GetByRole(AriaRole.Button, new() { Name = "5 more replies" }).ClickAsync();
        await Expect(bob.Comment("Reply 7")).ToBeVisibleAsync();
        await bob.Comment("Reply 6").GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true }).ClickAsync();
        await bob.Comment("Reply 6").GetByRole(AriaRole.Textbox).FillAsync("Half a sent");
        await bob.Comment(second.Id()).GetByRole(AriaRole.Button, new() { Name = "Thread of ann" }).ClickAsync();

        await bob.Page.GetByLabel("Order").SelectOptionAsync("new");

        await bob.Shows("Second", "To be folded", "First", "Reply 7", "Reply 6", "Reply 5", "Reply 4", "Reply 3", "Reply 2", "Reply 1", "Reply 0");
        await Expect(bob.Comment("Reply 6").GetByRole(AriaRole.Textbox)).ToHaveValueAsync("Half a sent");
        await Expect(bob.Comment("To be folded")).ToBeHiddenAsync();
    }

    [Fact]
    public async Task A_draft_outlives_a_reload()
    {
        var root = await (await service.SignedIn("ann")).Begin("Well?", topic);
        await using var bob = await chromium.Visit(Chromium.Demo(topic), user: "bob");
        await bob.Page.GetByPlaceholder("Join the conversation…").FillAsync("Not yet sent");
        await bob.Comment(root.Id()).GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true }).ClickAsync();
        await bob.Comment(root.Id()).GetByRole(AriaRole.Textbox).FillAsync("Nor this");

        await bob.Page.ReloadAsync();

        await Expect(bob.Page.GetByPlaceholder("Join the conversation…")).ToHaveValueAsync("Not yet sent");
        await bob.Comment(root.Id()).GetByRole(AriaRole.Button, new() { Name = "Reply", Exact = true }).ClickAsync();
        await Expect(bob.Comment(root.Id()).GetByRole(AriaRole.Textbox)).ToHaveValueAsync("Nor this");
    }

    [Fact]
    public async Task An_answer_that_was_lost_does_not_write_the_comment_twice()
    {
        await using var bob = await chromium.Visit(Chromium.Demo(topic), user: "bob");
        await Expect(bob.Button("Sign out")).ToBeVisibleAsync();
        var lost = 0;
        await bob.Page.RouteAsync("**/comments", async route =>
        {
            // The service answers; the page never hears of it.
            if (lost++ == 0)
            {
                await route.FetchAsync();
                await route.AbortAsync();
            }
            else
                await route.ContinueAsync();
        });

        await bob.Write("Once");
        await Expect(bob.Page.GetByRole(AriaRole.Alert)).Not.ToBeEmptyAsync();
        await bob.Button("Post").ClickAsync();
        await Expect(bob.Page.GetByPlaceholder("Join the conversation…")).ToHaveValueAsync("");

        Assert.Equal(1, await service.Query<long>("select count(*) from comments_threads where topic = @topic", new { topic }));
        Assert.Equal(2, lost);
    }

    [Fact]
    public async Task A_link_to_a_comment_shows_it_with_its_ancestors_wherever_it_is()
    {
        var ann = await service.SignedIn("ann");
        var root = await ann.Begin("The oldest of many", topic);
        var deep = root.Id();
        for (var level = 1; level <= 7; level++)
            deep = (await ann.Reply(deep, $"Level {level}")).Id();
        for (var i = 0; i < 25; i++)
            await ann.Begin($"Newer {i}", topic);

        await using var reader = await chromium.Visit(Chromium.Demo(topic, $"&sort=new#comment-{deep}"));

        await Expect(reader.Comment(deep)).ToBeInViewportAsync();
        await Expect(reader.Comment(deep)).ToBeFocusedAsync();
        foreach (var content in new[] { "The oldest of many", "Level 1", "Level 3", "Level 6" })
            await Expect(reader.Comment(content)).ToHaveCountAsync(1);
        await Expect(reader.Comment("Newer 24")).ToHaveCountAsync(1);

        // It stays, although no page of another order has it.
        await reader.Page.GetByLabel("Order").SelectOptionAsync("top");
        await Expect(reader.Page.Locator("article").Filter(new() { HasText = "Newer" }).First).ToBeVisibleAsync();
        await Expect(reader.Comment(deep)).ToBeInViewportAsync();

        await reader.Comment("Level 3").Locator("time").ClickAsync();
        await Expect(reader.Page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex("#comment-"));
        await Expect(reader.Comment("Level 3")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task The_keyboard_walks_folds_and_unfolds()
    {
        var ann = await service.SignedIn("ann");
        var one = await ann.Begin("One", topic);
        await ann.Reply(one.Id(), "One one");
        await ann.Begin("Two", topic);

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&sort=old"));
        await reader.Comment("One").FocusAsync();
        await Press("ArrowDown", "One one");
        await Press("ArrowDown", "Two");
        await Press("ArrowUp", "One one");
        await Press("ArrowLeft", "One");
        await Press("ArrowLeft", "One");
        await Expect(reader.Comment("One one")).ToBeHiddenAsync();
        await Press("ArrowDown", "Two");
        await Press("Home", "One");
        await Press("ArrowRight", "One");
        await Press("ArrowRight", "One one");
        await Press("End", "Two");

        // One comment is in the order of Tab, and then its own buttons.
        await reader.Page.Keyboard.PressAsync("Tab");
        await Expect(reader.Comment("Two").Locator("header a").Last).ToBeFocusedAsync();

        async Task Press(string key, string focused)
        {
            await reader.Page.Keyboard.PressAsync(key);
            await Expect(reader.Comment(focused)).ToBeFocusedAsync();
        }
    }

    [Fact]
    public async Task It_speaks_russian_with_its_plurals()
    {
        var ann = await service.SignedIn("ann");
        var root = await ann.Begin("Раз", topic);
        await ann.Reply(root.Id(), "Два");

        await using var reader = await chromium.Visit(Chromium.Demo(topic, "&lang=ru"));

        await Expect(reader.Page.GetByRole(AriaRole.Heading, new() { Name = "2 комментария" })).ToBeVisibleAsync();
        await Expect(reader.Comment("Раз").GetByRole(AriaRole.Button, new() { Name = "Ответить" })).ToBeVisibleAsync();
        await Expect(reader.Comment("Раз").Locator("time")).ToHaveTextAsync("сейчас");
    }

    [Fact]
    public async Task A_deep_thread_stays_readable_on_a_narrow_screen()
    {
        var ann = await service.SignedIn("ann");
        var deep = (await ann.Begin("Level 0", topic)).Id();
        for (var level = 1; level <= 30; level++)
            deep = (await ann.Reply(deep, $"Level {level}, and enough words to need more than one line")).Id();

        await using var reader = await chromium.Visit(
            Chromium.Demo(topic, $"#comment-{deep}"), options: options => options.ViewportSize = new() { Width = 340, Height = 700 });

        await Expect(reader.Comment(deep)).ToBeInViewportAsync();
        var width = await reader.Comment(deep).Locator(".text").EvaluateAsync<double>("text => text.clientWidth");
        Assert.True(width > 150, $"The words of the last level have {width} pixels.");
        Assert.Equal(340, await reader.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await Expect(reader.Comment(deep).Locator("header")).ToContainTextAsync("↩ ann");
        await reader.Picture("narrow");
    }

    [Fact]
    public async Task A_session_is_refreshed_when_its_token_ends_and_forgotten_when_it_was_revoked()
    {
        await using var bob = await chromium.Visit(Chromium.Demo(topic), user: "bob");
        await Expect(bob.Button("Sign out")).ToBeVisibleAsync();
        var refused = 0;
        await bob.Page.RouteAsync("**/comments", async route =>
        {
            if (refused++ == 0)
                await route.FulfillAsync(new() { Status = 401, ContentType = "application/problem+json", Body = "{}" });
            else
                await route.ContinueAsync();
        });
        await bob.Write("After a refresh");
        await bob.Shows("After a refresh");
        Assert.Equal(2, refused);

        await service.Query<object>("update auth_refresh_tokens set revoked_at = now() where user_id = @UserId", new { bob.UserId });
        await bob.Page.ReloadAsync();
        await Expect(bob.Button("Sign in")).ToBeVisibleAsync();
        await bob.Shows("After a refresh");
    }

    [Fact]
    public async Task Calls_whose_token_is_refused_at_once_wait_for_one_refresh()
    {
        var ann = await service.SignedIn("ann");
        await ann.Begin("There before", topic);
        await using var bob = await chromium.Visit(Chromium.Demo(topic), user: "bob");
        await Expect(bob.Button("Sign out")).ToBeVisibleAsync();
        await bob.Shows("There before");
        var (refused, answered, refreshes) = (new ConcurrentDictionary<string, byte>(), 0, 0);
        foreach (var call in new[] { "**/comments?*", "**/topics/counts?*" })
        {
            await bob.Page.RouteAsync(call, async route =>
            {
                if (!refused.TryAdd(call, 0))
                {
                    await route.ContinueAsync();
                    return;
                }

                await route.FulfillAsync(new() { Status = 401, ContentType = "application/problem+json", Body = "{}" });
                Interlocked.Increment(ref answered);
            });
        }

        await bob.Page.RouteAsync("**/auth/refresh", async route =>
        {
            Interlocked.Increment(ref refreshes);
            await Wait.Until(() => Volatile.Read(ref answered) == 2);
            await route.ContinueAsync();
        });
        await ann.Begin("There since", topic);

        await bob.Page.GetByLabel("Order").SelectOptionAsync("new");

        await bob.Shows("There since", "There before");
        Assert.Equal(1, refreshes);
    }

    [Fact]
    public async Task Two_tabs_of_one_session_refresh_one_after_the_other()
    {
        await using var first = await chromium.Visit(Chromium.Demo(topic), user: "bob");
        await Expect(first.Button("Sign out")).ToBeVisibleAsync();
        var tabs = new List<IPage>();
        for (var i = 0; i < 4; i++)
            tabs.Add(await first.Context.NewPageAsync());

        // All at once: a refresh token used twice would end the session of all.
        await Task.WhenAll(tabs.Select(tab => tab.GotoAsync(Chromium.Demo(topic))));

        foreach (var tab in tabs)
            await Expect(tab.GetByRole(AriaRole.Button, new() { Name = "Sign out" })).ToBeVisibleAsync();
    }
}
