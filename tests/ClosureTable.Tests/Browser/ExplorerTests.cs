using System.Net;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace ClosureTable.Tests.Browser;

/// <summary>The explorer page.</summary>
[Collection(nameof(Chromium))]
public sealed class ExplorerTests(ServiceFixture service, Chromium chromium)
{
    [Fact]
    public async Task A_comment_lights_up_its_ancestors_and_descendants_in_the_tree_and_the_rows()
    {
        await using var reader = await Grown();
        var nodes = await Ids(reader.Page.Locator(".node"));
        // The third in the order of reading: a reply to a reply, with two of its own.
        await Node(reader, nodes[2]).HoverAsync();

        await Expect(reader.Page.Locator(".node.up")).ToHaveCountAsync(2);
        Assert.Equal(nodes[..2], await Ids(reader.Page.Locator(".node.up")));
        Assert.Equal(nodes[3..5], await Ids(reader.Page.Locator(".node.down")));
        await Expect(reader.Page.Locator("#rows tr.up")).ToHaveCountAsync(3);
        await Expect(reader.Page.Locator("#rows tr.down")).ToHaveCountAsync(2);
        await Expect(reader.Page.Locator("#matrix rect.up")).ToHaveCountAsync(3);
        await Expect(reader.Page.Locator("#matrix rect.down")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task It_opens_on_the_newest_thread_that_has_replies_and_counts_in_good_english()
    {
        var ann = await service.SignedIn();
        var talk = (await ann.Begin("A talk")).Id();
        await ann.Reply(talk);
        var lonely = (await ann.Begin("No replies here")).Id();
        await using var reader = await chromium.Visit("/icon.svg");
        // Other tests have threads too: the page sees these two.
        await reader.Page.RouteAsync("**/explorer/threads", route => route.FulfillAsync(new()
        {
            ContentType = "application/json",
            Body = $$"""{"threads":[{"root_id":{{lonely}},"excerpt":"No replies here","comment_count":1},{"root_id":{{talk}},"excerpt":"A talk","comment_count":2}]}""",
        }));

        await reader.Page.GotoAsync("/explorer");
        await Expect(reader.Page.Locator("#rows-count")).ToHaveTextAsync("3 rows for 2 comments");
        await Expect(reader.Page.Locator("#threads")).ToHaveValueAsync($"{talk}");
        await reader.Page.Locator("#threads").SelectOptionAsync($"{lonely}");
        await Expect(reader.Page.Locator("#rows-count")).ToHaveTextAsync("1 row for 1 comment");
    }

    [Fact]
    public async Task A_reply_shows_the_articles_insert_with_its_values_and_the_rows_that_it_made()
    {
        await using var reader = await Grown();
        var nodes = await Ids(reader.Page.Locator(".node"));
        await Node(reader, nodes[2]).ClickAsync();
        await reader.Button("Reply").ClickAsync();
        await Expect(reader.Page.Locator(".node")).ToHaveCountAsync(9);

        var made = (await Ids(reader.Page.Locator(".node"))).Except(nodes).Single();
        await Expect(reader.Page.Locator("#sql")).ToContainTextAsync($"where descendant.descendant_id = {nodes[2]}\n  and ancestor.ancestor_id = {made}");
        // Its own row and one for each of three ancestors.
        await Expect(reader.Page.Locator("#changes .made")).ToHaveTextAsync(
            [$"({nodes[0]}, {nodes[2]}, {made}, 3)", $"({nodes[1]}, {nodes[2]}, {made}, 3)", $"({nodes[2]}, {nodes[2]}, {made}, 3)", $"({made}, {made}, {made}, 3)"]);
        await Expect(reader.Page.Locator("#rows tr.made")).ToHaveCountAsync(4);
    }

    [Fact]
    public async Task A_branch_is_dragged_below_another_comment_and_its_rows_follow()
    {
        await using var reader = await Grown();
        var nodes = await Ids(reader.Page.Locator(".node"));
        var (branch, target) = (nodes[2], nodes[6]);
        await Node(reader, branch).DragToAsync(Node(reader, target));

        await Expect(reader.Page.Locator("#sql")).ToContainTextAsync($"where above.descendant_id = {target}");
        // Three comments lose one ancestor and get another; the root's rows for them change their parent or their level only.
        await Expect(reader.Page.Locator("#changes .gone").Filter(new() { HasText = $"({nodes[1]}, " })).ToHaveCountAsync(3);
        await Expect(reader.Page.Locator("#changes .made").Filter(new() { HasText = $"({target}, " })).ToHaveCountAsync(3);
        Assert.Equal(target, await service.Query<long>("select parent_id from comments_comments where id = @branch", new { branch }));
    }

    [Fact]
    public async Task What_is_deleted_with_all_below_it_takes_its_rows_along()
    {
        await using var reader = await Grown();
        var nodes = await Ids(reader.Page.Locator(".node"));
        await Node(reader, nodes[2]).ClickAsync();
        await reader.Button("Delete with replies").ClickAsync();

        await Expect(reader.Page.Locator(".node")).ToHaveCountAsync(5);
        await Expect(reader.Page.Locator("#sql")).ToContainTextAsync($"where ancestor_id = {nodes[2]})");
        await Expect(reader.Page.Locator("#changes .gone")).ToHaveCountAsync(3 + 4 + 4);
    }

    [Fact]
    public async Task In_production_it_is_off_and_where_it_is_switched_on_it_only_reads()
    {
        await using var off = service.Instance(host => host.UseEnvironment("Production"));
        await using var on = service.Instance(host => host.UseEnvironment("Production").UseSetting("Explorer:Enabled", "true"));

        foreach (var path in new[] { "/explorer", "/explorer.js", "/explorer/threads" })
        {
            Assert.Equal(HttpStatusCode.NotFound, (await off.CreateClient().Get(path)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await on.CreateClient().Get(path)).StatusCode);
        }

        Assert.DoesNotContain("explorer", await off.CreateClient().GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HttpStatusCode.NotFound, (await on.CreateClient().Post("/explorer/people", new { })).StatusCode);
    }

    [Fact]
    public async Task A_thread_too_large_to_draw_is_refused()
    {
        var root = await (await service.SignedIn()).Begin();
        await service.Query<object>("update comments_threads set comment_count = 201 where root_id = @id", new { id = root.Id() });
        await (await service.Client().Get($"/explorer/threads/{root.Id()}")).Problem(HttpStatusCode.UnprocessableEntity, "thread_too_large");
        await service.Query<object>("update comments_threads set comment_count = 1 where root_id = @id", new { id = root.Id() });
    }

    private async Task<Visit> Grown()
    {
        var visit = await chromium.Visit("/explorer", options: options =>
        {
            options.ViewportSize = new() { Width = 1300, Height = 1200 };
            options.ReducedMotion = ReducedMotion.Reduce;
        });
        await visit.Button("Create a new thread").ClickAsync();
        // The page opens on another test's thread, which may be of the same size: the button comes back when ours is there.
        await Expect(visit.Button("Create a new thread")).ToBeEnabledAsync();
        await Expect(visit.Page.Locator(".node")).ToHaveCountAsync(8);
        return visit;
    }

    private static ILocator Node(Visit visit, long id) => visit.Page.Locator(".node").GetByText($"{id}", new() { Exact = true });

    private static async Task<long[]> Ids(ILocator nodes) => [.. (await nodes.AllTextContentsAsync()).Select(long.Parse)];
}
