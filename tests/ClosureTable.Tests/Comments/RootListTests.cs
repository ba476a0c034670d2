using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Comments;

/// <summary><c>GET /comments</c>: the roots.</summary>
public sealed class RootListTests(ServiceFixture fixture)
{
    /// <summary>Begins threads of one topic, one after the other.</summary>
    private static async Task<long[]> Begin(HttpClient client, string topic, int count)
    {
        var roots = new long[count];
        for (var index = 0; index < count; index++)
            roots[index] = (await client.Begin($"root {index}", topic)).Id();
        return roots;
    }

    private async Task<HttpClient[]> Likers(int count) => await Task.WhenAll(Enumerable.Range(0, count).Select(_ => fixture.SignedIn()));

    private static async Task Like(HttpClient[] likers, long id, int likes)
    {
        foreach (var liker in likers[..likes])
            await (await liker.Put($"/comments/{id}/like")).Json();
    }

    [Fact]
    public async Task A_topic_s_threads_come_newest_first_without_their_replies()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 3);
        await ann.Reply(roots[0]);
        await ann.Begin("elsewhere", Conversation.NewTopic());

        var page = await fixture.Client().Read($"/comments?topic={topic}");

        Assert.Equal(roots.Reverse(), page.Comments().Ids());
        Assert.Equal(roots.Reverse(), (await fixture.Client().Read($"/comments?topic={topic}&sort=new")).Comments().Ids());
        Assert.Equal(roots, (await fixture.Client().Read($"/comments?topic={topic}&sort=old")).Comments().Ids());
        Assert.Null(page.GetProperty("next_cursor").GetString());
        Assert.All(page.Comments(), root => Assert.Equal(topic, root.Text("topic")));
        Assert.All(page.Comments(), root => Assert.False(root.TryGetProperty("children", out _)));
        Assert.Equal([0, 0, 1], page.Comments().Select(root => root.Int("child_count")));
    }

    [Fact]
    public async Task The_most_liked_come_first_and_of_equals_the_newest()
    {
        var (ann, likers) = (await fixture.SignedIn(), await Likers(2));
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 4);
        await Like(likers, roots[1], 2);
        await Like(likers, roots[0], 1);

        Assert.Equal([roots[1], roots[0], roots[3], roots[2]], (await ann.Read($"/comments?topic={topic}&sort=top")).Comments().Ids());
    }

    [Fact]
    public async Task Without_a_topic_all_threads_are_listed()
    {
        var ann = await fixture.SignedIn();
        var (with, without) = ((await ann.Begin("with", Conversation.NewTopic())).Id(), (await ann.Begin("without")).Id());

        // Others write at the same time: the newest hundred are far more than they manage meanwhile.
        var listed = (await ann.Read("/comments?limit=100")).Comments();

        Assert.Contains(with, listed.Ids());
        Assert.Null(Assert.Single(listed, root => root.Id() == without).GetProperty("topic").GetString());
    }

    [Theory]
    [InlineData("new")]
    [InlineData("old")]
    [InlineData("top")]
    [InlineData("active")]
    public async Task Every_page_size_gives_each_thread_once_in_one_order_where_all_keys_are_equal(string sort)
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 7);
        await fixture.Execute("update comments_threads set created_at = '2026-01-01', last_activity_at = '2026-01-01' where topic = @topic", new { topic });

        var order = sort == "old" ? roots : [.. roots.Reverse()];
        for (var limit = 1; limit <= 8; limit++)
            Assert.Equal(order, (await ann.Walk($"/comments?topic={topic}&sort={sort}&limit={limit}")).Ids());
    }

    [Theory]
    [InlineData("new")]
    [InlineData("old")]
    [InlineData("top")]
    public async Task A_walk_gives_what_was_there_once_and_in_order_while_others_begin_reply_delete_and_move(string sort)
    {
        var (ann, mod, likers) = (await fixture.SignedIn(), await fixture.Moderator(), await Likers(3));
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 8);
        await Like(likers, roots[2], 3);
        await Like(likers, roots[6], 2);
        await Like(likers, roots[1], 2);
        var order = (await ann.Read($"/comments?topic={topic}&sort={sort}")).Comments().Ids();

        // What has been shown last goes, so that the cursor stands on a place where nothing is any more.
        var (walked, pages) = (new List<long>(), 0);
        var path = $"/comments?topic={topic}&sort={sort}&limit=2";
        for (var next = path; ;)
        {
            var page = await ann.Read(next);
            walked.AddRange(page.Comments().Ids());
            if (page.GetProperty("next_cursor").GetString() is not { } cursor)
                break;
            next = $"{path}&cursor={Uri.EscapeDataString(cursor)}";
            await ann.Begin("begun meanwhile", topic);
            var last = page.Comments()[^1].Id();
            await (++pages % 2 == 0
                ? ann.Delete($"/comments/{last}")
                : mod.Put($"/comments/{last}/parent", new { parent_id = page.Comments()[0].Id() }));
            await ann.Reply(page.Comments()[0].Id());
        }

        Assert.Equal(walked.Count, walked.Distinct().Count());
        Assert.Equal(order, walked.Where(roots.Contains));
    }

    [Fact]
    public async Task A_walk_by_likes_goes_by_the_likes_of_its_start()
    {
        var (ann, likers) = (await fixture.SignedIn(), await Likers(4));
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 6);
        foreach (var (root, likes) in roots.Zip([3, 2, 2, 1, 0, 0]))
            await Like(likers, root, likes);
        long[] order = [roots[0], roots[2], roots[1], roots[3], roots[5], roots[4]];

        // What is last is liked to the top, what comes next loses its likes, what was shown gets back below.
        var changes = new Queue<Func<Task>>([
            async () => await Like(likers, roots[4], 4),
            async () => await Task.WhenAll(likers.Select(liker => liker.Delete($"/comments/{roots[1]}/like"))),
            async () => await Task.WhenAll(likers.Select(liker => liker.Delete($"/comments/{roots[0]}/like"))),
            async () => await Like(likers, roots[5], 3),
            async () => await Like(likers, roots[3], 4),
        ]);
        var walked = await ann.Walk($"/comments?topic={topic}&sort=top&limit=1", between: () => changes.Dequeue()());

        Assert.Equal(order, walked.Ids());
        Assert.Empty(changes);
        Assert.Equal([roots[4], roots[3], roots[5], roots[2], roots[1], roots[0]], (await ann.Read($"/comments?topic={topic}&sort=top")).Comments().Ids());
    }

    [Fact]
    public async Task The_threads_with_the_newest_comment_come_first_and_replies_in_them_oldest_first()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 3);
        var first = (await ann.Reply(roots[0])).Id();
        var second = (await ann.Reply(roots[0])).Id();

        // None of these is activity.
        await (await ann.Put($"/comments/{roots[1]}/like")).Json();
        await (await ann.Patch($"/comments/{roots[1]}", new { content = "edited" })).Json();
        await (await ann.Delete($"/comments/{(await ann.Reply(roots[2])).Id()}")).Json();

        var page = await ann.Read($"/comments?topic={topic}&sort=active&children=3");
        Assert.Equal([roots[2], roots[0], roots[1]], page.Comments().Ids());
        Assert.Equal([first, second], page.Comments()[1].Children().Ids());
        Assert.Equal([roots[2], roots[0], roots[1]], (await ann.Read("/comments?sort=active&limit=100")).Comments().Ids().Where(roots.Contains));
    }

    [Fact]
    public async Task A_walk_by_activity_shows_no_thread_twice_and_leaves_out_only_what_got_a_reply_before_it_was_shown()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 5);

        // A reply to what was shown, a reply to what was not, a thread begun meanwhile.
        var changes = new Queue<Func<Task>>([
            () => ann.Reply(roots[4]),
            () => ann.Reply(roots[1]),
            () => ann.Begin("begun meanwhile", topic),
        ]);
        var walked = await ann.Walk($"/comments?topic={topic}&sort=active&limit=1", between: () => changes.TryDequeue(out var change) ? change() : Task.CompletedTask);

        Assert.Equal([roots[4], roots[3], roots[2], roots[0]], walked.Ids());
        Assert.Equal([roots[1], roots[4]], (await ann.Read($"/comments?topic={topic}&sort=active")).Comments().Ids().Skip(1).Take(2));
    }

    [Fact]
    public async Task Only_threads_are_sorted_by_activity()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();

        foreach (var path in new[] { $"/comments/{root}?sort=active", $"/comments/{root}/children?sort=active" })
            await (await ann.Get(path)).Problem(HttpStatusCode.BadRequest, "validation_failed");
    }

    [Fact]
    public async Task With_children_each_root_has_its_first_replies_and_says_how_many_are_left_out()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        var replies = new List<long>();
        for (var count = 0; count < 4; count++)
            replies.Add((await ann.Reply(root)).Id());
        var below = (await ann.Reply(replies[0])).Id();

        var shallow = Assert.Single((await ann.Read($"/comments?topic={topic}&sort=old&children=3")).Comments());
        Assert.Equal(replies[..3], shallow.Children().Ids());
        Assert.Equal(1, shallow.GetProperty("more").Int("count"));
        Assert.Equal(1, shallow.Children()[0].GetProperty("more").Int("count"));

        var deep = Assert.Single((await ann.Read($"/comments?topic={topic}&sort=old&children=3&depth=2")).Comments());
        Assert.Equal([root, replies[0], below, replies[1], replies[2]], deep.Flatten().Ids());
        var rest = await ann.Read($"/comments/{root}/children?cursor={Uri.EscapeDataString(deep.GetProperty("more").Text("cursor"))}");
        Assert.Equal([replies[3]], rest.Comments().Ids());
    }

    [Fact]
    public async Task A_thread_whose_root_is_a_tombstone_stays_in_the_list_and_one_that_is_gone_does_not()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var roots = await Begin(ann, topic, 2);
        await ann.Reply(roots[0]);
        foreach (var root in roots)
            await (await ann.Delete($"/comments/{root}")).Json();

        var tombstone = Assert.Single((await ann.Read($"/comments?topic={topic}")).Comments());
        Assert.Equal(roots[0], tombstone.Id());
        Assert.True(tombstone.GetProperty("deleted").GetBoolean());
    }

    [Fact]
    public async Task A_cursor_belongs_to_its_topic_and_its_sort()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        await Begin(ann, topic, 2);
        var cursor = (await ann.Read($"/comments?topic={topic}&sort=old&limit=1")).Text("next_cursor");

        Assert.Single((await ann.Read($"/comments?topic={topic}&sort=old&cursor={cursor}")).Comments());
        // The cursor knows its sort.
        Assert.Equal("root 1", Assert.Single((await ann.Read($"/comments?topic={topic}&cursor={cursor}")).Comments()).Text("content"));
        foreach (var foreign in new[]
        {
            $"/comments?topic={topic}&sort=new&cursor={cursor}", $"/comments?cursor={cursor}", $"/comments?topic={topic}x&cursor={cursor}",
            $"/comments?topic={topic}&cursor={cursor[..^2]}", $"/comments?topic={topic}&cursor={cursor}AAAA", $"/comments?topic={topic}&cursor=",
            $"/comments?topic={topic}&cursor={Uri.EscapeDataString("ключ")}", $"/comments?topic={topic}&cursor={new string('A', 5000)}",
        })
            await (await ann.Get(foreign)).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
    }

    [Theory]
    [InlineData("limit=0")]
    [InlineData("limit=101")]
    [InlineData("sort=best")]
    [InlineData("sort=NEW")]
    [InlineData("topic=")]
    [InlineData("depth=-1")]
    [InlineData("children=101")]
    public async Task What_is_out_of_range_is_400(string query) =>
        await (await fixture.Client().Get($"/comments?{query}")).Problem(HttpStatusCode.BadRequest, "validation_failed");
}
