using System.Net;
using System.Net.Http.Json;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Threads;

/// <summary>Two writers who meet, in the order in which it hurts most. A <see cref="Gate"/> makes the order; nothing is left to chance.</summary>
public sealed class RaceTests(OwnServiceFixture fixture) : IClassFixture<OwnServiceFixture>, IAsyncLifetime
{
    private HttpClient ann = null!;
    private HttpClient mod = null!;

    public async ValueTask InitializeAsync() => (ann, mod) = (await fixture.SignedIn("ann"), await fixture.Moderator());

    /// <summary>Every race ends with sound threads.</summary>
    public async ValueTask DisposeAsync() => Assert.Empty(await fixture.Violations());

    private static Task<HttpResponseMessage> Reply(HttpClient client, long parentId) => client.Post("/comments", new { content = "a reply", parent_id = parentId });

    private static Task<HttpResponseMessage> Move(HttpClient client, long id, long? parentId) => client.Put($"/comments/{id}/parent", new { parent_id = parentId });

    /// <summary>Sends the requests so that they arrive one after the other while the thread is held, and lets them go.</summary>
    private async Task<HttpResponseMessage[]> InThisOrder(long rootId, params Func<Task<HttpResponseMessage>>[] requests)
    {
        await using var gate = await Gate.OfThread(fixture, rootId);
        var answers = new List<Task<HttpResponseMessage>>();
        foreach (var request in requests)
        {
            answers.Add(request());
            await Gate.Waiting(fixture, answers.Count);
        }

        await gate.Release();
        return await Task.WhenAll(answers);
    }

    [Fact]
    public async Task A_reply_that_waited_for_the_deletion_of_its_parent_is_404()
    {
        var root = (await ann.Begin()).Id();
        var leaf = (await ann.Reply(root)).Id();

        var answers = await InThisOrder(root, () => ann.Delete($"/comments/{leaf}"), () => Reply(ann, leaf));

        await answers[0].Json();
        await answers[1].Problem(HttpStatusCode.NotFound, "parent_not_found");
        Assert.Equal(0, (await ann.Read($"/comments/{root}")).Int("descendant_count"));
    }

    [Fact]
    public async Task A_reply_that_waited_until_its_parent_was_a_tombstone_is_409()
    {
        var root = (await ann.Begin()).Id();
        var parent = (await ann.Reply(root)).Id();
        await ann.Reply(parent);

        var answers = await InThisOrder(root, () => ann.Delete($"/comments/{parent}"), () => Reply(ann, parent));

        await answers[0].Json();
        await answers[1].Problem(HttpStatusCode.Conflict, "parent_deleted");
    }

    [Fact]
    public async Task A_reply_that_waited_for_the_deletion_of_its_whole_thread_is_404()
    {
        var root = (await ann.Begin()).Id();
        var leaf = (await ann.Reply(root)).Id();

        var answers = await InThisOrder(root, () => mod.Delete($"/comments/{root}?subtree=true"), () => Reply(ann, leaf));

        Assert.Equal(2, (await answers[0].Json()).Int("deleted"));
        await answers[1].Problem(HttpStatusCode.NotFound, "parent_not_found");
    }

    [Fact]
    public async Task A_deletion_that_waited_for_a_reply_leaves_a_tombstone_above_it()
    {
        var root = (await ann.Begin()).Id();
        var leaf = (await ann.Reply(root)).Id();

        var answers = await InThisOrder(root, () => Reply(ann, leaf), () => ann.Delete($"/comments/{leaf}"));

        var reply = (await answers[0].Json(HttpStatusCode.Created)).Id();
        Assert.Equal(1, (await answers[1].Json()).Int("deleted"));
        var tombstone = (await ann.Read($"/comments/{root}")).Children().Single();
        Assert.True(tombstone.GetProperty("deleted").GetBoolean());
        Assert.Equal(reply, tombstone.Children().Single().Id());
    }

    [Fact]
    public async Task Two_deletions_of_one_comment_delete_it_once()
    {
        var root = (await ann.Begin()).Id();
        var leaf = (await ann.Reply(root)).Id();

        var answers = await InThisOrder(root, () => ann.Delete($"/comments/{leaf}"), () => mod.Delete($"/comments/{leaf}"));

        await answers[0].Json();
        await answers[1].Problem(HttpStatusCode.NotFound, "comment_not_found");
    }

    [Fact]
    public async Task Two_last_replies_that_go_at_once_take_their_tombstone_along_once()
    {
        var root = (await ann.Begin()).Id();
        var tombstone = (await ann.Reply(root)).Id();
        var (first, second) = ((await ann.Reply(tombstone)).Id(), (await ann.Reply(tombstone)).Id());
        await (await ann.Delete($"/comments/{tombstone}")).Json();

        var answers = await InThisOrder(root, () => ann.Delete($"/comments/{first}"), () => ann.Delete($"/comments/{second}"));

        Assert.Equal(1, (await answers[0].Json()).Int("deleted"));
        Assert.Equal(2, (await answers[1].Json()).Int("deleted"));
        Assert.Empty((await ann.Read($"/comments/{root}")).Children());
    }

    [Fact]
    public async Task Of_two_moves_into_each_others_subtree_the_second_is_422()
    {
        var root = (await ann.Begin()).Id();
        var (left, right) = ((await ann.Reply(root)).Id(), (await ann.Reply(root)).Id());
        var (belowLeft, belowRight) = ((await ann.Reply(left)).Id(), (await ann.Reply(right)).Id());

        var answers = await InThisOrder(root, () => Move(mod, left, belowRight), () => Move(mod, right, belowLeft));

        await answers[0].Json();
        await answers[1].Problem(HttpStatusCode.UnprocessableEntity, "move_into_itself");
        Assert.Equal([root, right, belowRight, left, belowLeft], (await ann.Read($"/comments/{root}")).Flatten().Ids());
    }

    [Fact]
    public async Task Of_two_threads_that_move_below_each_other_the_second_is_422()
    {
        var (first, second) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var (belowFirst, belowSecond) = ((await ann.Reply(first)).Id(), (await ann.Reply(second)).Id());

        var answers = await InThisOrder(first, () => Move(mod, first, belowSecond), () => Move(mod, second, belowFirst));

        await answers[0].Json();
        await answers[1].Problem(HttpStatusCode.UnprocessableEntity, "move_into_itself");
        Assert.Equal([second, belowSecond, first, belowFirst], (await ann.Read($"/comments/{second}")).Flatten().Ids());
    }

    [Fact]
    public async Task Moves_between_the_same_two_threads_wait_in_line_and_not_for_each_other()
    {
        var (first, second) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var (ofFirst, ofSecond) = ((await ann.Reply(first)).Id(), (await ann.Reply(second)).Id());
        await using var gate = await Gate.OfThread(fixture, second);

        var there = Move(mod, ofFirst, second);
        var holdsFirst = await gate.Blocked(fixture);
        var back = Move(mod, ofSecond, first);
        // Not for the gate: then it would hold nothing that the other wants, or both would hold one thread and want the other's.
        await Gate.BlockedBy(fixture, holdsFirst);
        await gate.Release();

        await (await there).Json();
        await (await back).Json();
        Assert.Equal([first, ofSecond], (await ann.Read($"/comments/{first}")).Flatten().Ids());
        Assert.Equal([second, ofFirst], (await ann.Read($"/comments/{second}")).Flatten().Ids());
    }

    [Fact]
    public async Task A_move_whose_comment_left_the_thread_meanwhile_lets_go_of_it_before_it_waits_for_another()
    {
        var (left, third) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var comment = (await ann.Reply(left)).Id();
        var target = (await ann.Begin()).Id();
        await using var beforeTarget = await Gate.OfThread(fixture, target);
        await using var beforeLeft = await Gate.OfThread(fixture, left);

        var wholeThread = Move(mod, left, third);
        await Gate.Waiting(fixture, 1);
        var late = Move(mod, comment, target);
        await Gate.Waiting(fixture, 2);
        await beforeLeft.Release();
        await (await wholeThread).Json();
        await beforeTarget.Blocked(fixture);

        // To bring the thread back to life a move must have its row, while holding the thread in which the comment is now.
        await (await Gate.Of(fixture, "select root_id from comments_threads where root_id = @left for no key update nowait", new { left })).DisposeAsync();
        await beforeTarget.Release();
        await (await late).Json();
        Assert.Equal([target, comment], (await ann.Read($"/comments/{target}")).Flatten().Ids());
        Assert.Equal([third, left], (await ann.Read($"/comments/{third}")).Flatten().Ids());
    }

    [Fact]
    public async Task A_reply_to_a_comment_that_moved_to_another_thread_meanwhile_lands_there()
    {
        var (root, other) = ((await ann.Begin("a root", "left")).Id(), (await ann.Begin("a root", "entered")).Id());
        var parent = (await ann.Reply(root)).Id();

        var answers = await InThisOrder(root, () => Move(mod, parent, other), () => Reply(ann, parent));

        await answers[0].Json();
        var reply = await answers[1].Json(HttpStatusCode.Created);
        Assert.Equal((other, "entered", 2), (reply.GetProperty("root_id").GetInt64(), reply.Text("topic"), reply.Int("depth")));
    }

    [Fact]
    public async Task An_edit_with_an_old_ETag_that_waited_for_another_edit_is_412()
    {
        var root = (await ann.Begin()).Id();
        var tag = (await ann.Get($"/comments/{root}")).Headers.ETag!;
        HttpRequestMessage Edit(string content) => new(HttpMethod.Patch, $"/comments/{root}")
        {
            Content = JsonContent.Create(new { content }),
            Headers = { IfMatch = { tag } },
        };

        var answers = await InThisOrder(root,
            () => ann.SendAsync(Edit("first"), TestContext.Current.CancellationToken),
            () => ann.SendAsync(Edit("second"), TestContext.Current.CancellationToken));

        await answers[0].Json();
        await answers[1].Problem(HttpStatusCode.PreconditionFailed, "precondition_failed");
        Assert.Equal("first", (await ann.Read($"/comments/{root}")).Text("content"));
    }

    [Fact]
    public async Task What_is_being_committed_is_kept_though_its_client_went_away()
    {
        // A deferred trigger holds the commit itself up, where nothing but the cancellation of the COMMIT could undo the write.
        var content = $"held {Guid.NewGuid()}";
        await fixture.Execute($"""
            create function hold_commit() returns trigger language plpgsql as
            'begin perform pg_advisory_xact_lock(4711); return null; end';
            create constraint trigger hold_commit after insert on comments_comments deferrable initially deferred
            for each row when (new.content = '{content}') execute function hold_commit();
            """);
        var gone = new TaskCompletionSource();
        await using var service = fixture.Instance(host => host.ConfigureServices(services => services.AddSingleton<IStartupFilter>(new TellWhenAborted(gone))));
        service.StartServer();
        var client = service.CreateClient().With((await fixture.NewUser()).Token);
        await using var gate = await Gate.Of(fixture, "select pg_advisory_xact_lock(4711)");

        using var impatience = new CancellationTokenSource();
        var post = client.PostAsJsonAsync("/comments", new { content }, impatience.Token);
        await gate.Blocked(fixture);
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => post);
        // Callbacks of a token run from the last registered to the first: a command that could be cancelled has been by now.
        await gone.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await gate.Release();

        await Gate.Until(fixture, "the comment is there", "select exists (select from comments_comments where content = @content)", new { content });
        await fixture.Execute("drop trigger hold_commit on comments_comments; drop function hold_commit");
    }

    private sealed class TellWhenAborted(TaskCompletionSource gone) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, rest) =>
            {
                await using var registration = context.RequestAborted.Register(gone.SetResult);
                await rest(context);
            });
            next(app);
        };
    }
}
