using System.Net;
using System.Net.Http.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Comments;

public sealed class EditTests(ServiceFixture fixture)
{
    [Fact]
    public async Task An_edit_changes_the_text_and_says_when()
    {
        var ann = await fixture.SignedIn("ann");
        var root = await ann.Begin("as first written");

        var edited = await (await ann.Patch($"/comments/{root.Id()}", new { content = "  edited " })).Json();

        Assert.Equal(1, edited.Int("updated"));
        var comment = edited.GetProperty("comment");
        Assert.Equal("edited", comment.Text("content"));
        Assert.True(comment.GetProperty("edited_at").GetDateTimeOffset() >= comment.GetProperty("created_at").GetDateTimeOffset());
        Assert.Equal(root.Text("created_at"), comment.Text("created_at"));
        var read = await ann.Read($"/comments/{root.Id()}");
        Assert.Equal(("edited", comment.Text("edited_at")), (read.Text("content"), read.Text("edited_at")));
    }

    [Fact]
    public async Task An_edit_that_changes_nothing_says_so_and_leaves_no_trace()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin("the same")).Id();

        var edited = await (await ann.Patch($"/comments/{root}", new { content = " the same" })).Json();

        Assert.Equal(0, edited.Int("updated"));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, edited.GetProperty("comment").GetProperty("edited_at").ValueKind);
        Assert.Empty((await ann.Read($"/comments/{root}/revisions")).GetProperty("revisions").EnumerateArray());
        Assert.Equal(1, await fixture.Version(root));
    }

    [Theory]
    [InlineData("new")]
    [InlineData("old")]
    [InlineData("top")]
    public async Task An_edit_moves_nothing_in_any_order(string sort)
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        await ann.Begin("another", topic);
        var first = (await ann.Reply(root)).Id();
        await ann.Reply(root);
        var (roots, replies) = (await ann.Read($"/comments?topic={topic}&sort={sort}"), await ann.Read($"/comments/{root}?sort={sort}"));

        await (await ann.Patch($"/comments/{root}", new { content = "edited" })).Json();
        await (await ann.Patch($"/comments/{first}", new { content = "edited" })).Json();

        Assert.Equal(roots.Comments().Ids(), (await ann.Read($"/comments?topic={topic}&sort={sort}")).Comments().Ids());
        Assert.Equal(replies.Flatten().Ids(), (await ann.Read($"/comments/{root}?sort={sort}")).Flatten().Ids());
    }

    [Fact]
    public async Task What_it_said_before_is_kept_for_its_author_and_moderators()
    {
        var (id, _, token) = await fixture.NewUser("ann");
        var (ann, mod) = (fixture.Client().With(token), await fixture.Moderator());
        var root = await ann.Begin("first");
        await (await ann.Patch($"/comments/{root.Id()}", new { content = "second" })).Json();
        await (await mod.Patch($"/comments/{root.Id()}", new { content = "third" })).Json();

        foreach (var reader in new[] { ann, mod })
        {
            var revisions = (await reader.Read($"/comments/{root.Id()}/revisions")).GetProperty("revisions").EnumerateArray().ToList();
            Assert.Equal([(2, "second"), (1, "first")], revisions.Select(revision => (revision.Int("number"), revision.Text("content"))));
            Assert.Equal(root.Text("created_at"), revisions[1].Text("written_at"));
            Assert.Equal(id, revisions[1].GetProperty("editor_id").GetInt64());
            Assert.NotEqual(id, revisions[0].GetProperty("editor_id").GetInt64());
        }

        // A moderator's edit does not change the author.
        Assert.Equal("ann", (await ann.Read($"/comments/{root.Id()}")).GetProperty("author").Text("name"));
        await (await (await fixture.SignedIn()).Get($"/comments/{root.Id()}/revisions")).Problem(HttpStatusCode.Forbidden, "forbidden");
        await (await fixture.Client().Get($"/comments/{root.Id()}/revisions")).Problem(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task A_tombstone_and_what_is_not_there_cannot_be_edited()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        await ann.Reply(root);
        await (await ann.Delete($"/comments/{root}")).Json();

        // Not even by a moderator; and to a stranger the author is as gone as the words.
        foreach (var caller in new[] { ann, await fixture.Moderator() })
        {
            var answer = await caller.Patch($"/comments/{root}", new { content = "back from the dead" });
            await answer.Problem(HttpStatusCode.Conflict, "comment_deleted");
        }

        await (await ann.Patch($"/comments/{long.MaxValue}", new { content = "nowhere" })).Problem(HttpStatusCode.NotFound, "comment_not_found");
    }

    [Fact]
    public async Task After_the_edit_window_its_author_cannot_edit_any_more_but_a_moderator_can()
    {
        await using var service = fixture.Instance(host => host.UseSetting("Comments:EditWindow", "00:05:00"));
        service.StartServer();
        var ann = service.CreateClient().With((await fixture.NewUser()).Token);
        var mod = service.CreateClient().With((await fixture.NewUser(role: Roles.Moderator)).Token);
        var root = (await ann.Begin("first")).Id();

        await (await ann.Patch($"/comments/{root}", new { content = "in time" })).Json();
        await fixture.Execute("update comments_comments set created_at = created_at - interval '6 minutes' where id = @root", new { root });
        await (await ann.Patch($"/comments/{root}", new { content = "too late" })).Problem(HttpStatusCode.Forbidden, "edit_window_closed");
        await (await mod.Patch($"/comments/{root}", new { content = "by a moderator" })).Json();

        Assert.Equal("by a moderator", (await ann.Read($"/comments/{root}")).Text("content"));
    }

    [Fact]
    public async Task With_If_Match_the_edit_goes_through_only_while_the_thread_is_as_it_was_read()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        // Any read of the thread will do, by anybody.
        var tag = (await fixture.Client().Get($"/comments/{root}/children?limit=1")).Headers.ETag!.ToString();

        var edited = await Edit(reply, "edited", tag);
        await edited.Json();
        await (await Edit(reply, "edited again", tag)).Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        // The edit told what to send next, and a like is a change, too.
        await (await Edit(reply, "edited again", edited.Headers.ETag!.ToString())).Json();
        await (await ann.Put($"/comments/{root}/like")).Json();
        await (await Edit(reply, "not seen", edited.Headers.ETag!.ToString())).Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");

        var current = (await ann.Get($"/comments/{root}")).Headers.ETag!.ToString();
        await (await Edit(reply, "weak", $"W/{current}")).Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        await (await Edit(reply, "no tag at all", "nonsense")).Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        await (await Edit(reply, "of another thread", (await ann.Get($"/comments/{(await ann.Begin()).Id()}")).Headers.ETag!.ToString()))
            .Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        await (await Edit(reply, "one of several", $"\"1-1-x\", {current}")).Json();
        await (await Edit(reply, "the new text", "*")).Json();
        Assert.Equal("the new text", (await ann.Read($"/comments/{reply}")).Text("content"));

        Task<HttpResponseMessage> Edit(long id, string content, string ifMatch)
        {
            var request = new HttpRequestMessage(HttpMethod.Patch, $"/comments/{id}") { Content = JsonContent.Create(new { content }) };
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
            return ann.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }
}
