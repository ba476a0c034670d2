using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Comments;

public sealed class AncestorTests(ServiceFixture fixture)
{
    [Fact]
    public async Task The_breadcrumb_leads_from_the_root_to_the_parent_tombstones_among_them()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var buried = (await ann.Reply(root)).Id();
        await ann.Reply(root);
        var parent = (await ann.Reply(buried)).Id();
        var comment = (await ann.Reply(parent)).Id();
        await ann.Reply(comment);
        await (await ann.Delete($"/comments/{buried}")).Json();

        var ancestors = (await ann.Read($"/comments/{comment}/ancestors")).Comments();

        Assert.Equal([root, buried, parent], ancestors.Ids());
        Assert.Equal([0, 1, 2], ancestors.Select(ancestor => ancestor.Int("depth")));
        Assert.Equal([false, true, false], ancestors.Select(ancestor => ancestor.GetProperty("deleted").GetBoolean()));
        Assert.All(ancestors, ancestor => Assert.False(ancestor.TryGetProperty("children", out _)));
    }

    [Fact]
    public async Task A_root_has_none_and_what_is_not_there_is_404()
    {
        var ann = await fixture.SignedIn();
        Assert.Empty((await ann.Read($"/comments/{(await ann.Begin()).Id()}/ancestors")).Comments());
        await (await ann.Get($"/comments/{long.MaxValue}/ancestors")).Problem(HttpStatusCode.NotFound, "comment_not_found");
    }
}
