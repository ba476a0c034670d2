using System.Web;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Live;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Live;

/// <summary>Clients that disconnect and return receive every event once and in order.</summary>
public sealed class ReplayTests(ServiceFixture fixture)
{
    private static string Topic(string topic) => $"/topics/events?topic={HttpUtility.UrlEncode(topic)}";

    [Fact]
    public async Task Clients_that_go_from_instance_to_instance_while_many_write_miss_nothing_and_hear_nothing_twice()
    {
        const int Writers = 6, RepliesEach = 25;
        await using var other = fixture.Instance(_ => { });
        HttpClient[] instances = [fixture.Client(), other.CreateClient()];
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        var roots = new[] { (await ann.Begin(topic: topic)).Id(), (await ann.Begin(topic: topic)).Id() };
        var last = await ann.Begin("the last one", topic);

        await using var threadFromHere = await Watcher.Watch(instances[0], $"/comments/{roots[0]}/events");
        await using var topicFromHere = await Watcher.Watch(instances[1], Topic(topic));
        var threadPosition = threadFromHere.LastEventId;
        var topicPosition = topicFromHere.LastEventId;

        var writers = Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var client = other.CreateClient().With((await fixture.NewUser()).Token);
            for (var i = 0; i < RepliesEach; i++)
            {
                var reply = await (i % 2 == 0 ? client : ann).Reply(roots[(writer + i) % 2]);
                if (i % 5 == 0)
                    await (await ann.Patch($"/comments/{roots[i % 2]}", new { content = $"edited {writer} {i}" })).Json();
            }
        }));
        var ending = Finish();

        // Each hops between the instances after one to four events, with the id that it has.
        var thread = Hop($"/comments/{roots[0]}/events", threadPosition, heard => heard.Comment.Text("content") == "over", seed: 1);
        var all = await Task.WhenAll(Enumerable.Range(2, 3).Select(seed => Hop(Topic(topic), topicPosition, heard => heard.Thread == last.Id(), seed)));
        await ending;

        var versions = Versions(await thread);
        Assert.Equal(await Logged(roots[0]), versions);
        foreach (var heard in all)
        {
            foreach (var root in roots)
                Assert.Equal(await Logged(root), Versions(heard.Where(happened => happened.Thread == root)));
        }

        // The one that never left heard the same.
        Assert.Equal(versions, Versions(await threadFromHere.Next(versions.Count)));

        static List<long> Versions(IEnumerable<Heard> heard) => [.. heard.Select(happened => happened.Version)];

        async Task Finish()
        {
            await writers;
            await ann.Reply(roots[0], "over");
            await ann.Reply(last.Id());
        }

        async Task<List<Heard>> Hop(string path, string position, Func<Heard, bool> isLast, int seed)
        {
            var random = new Random(seed);
            var heard = new List<Heard>();
            while (heard.Count == 0 || !isLast(heard[^1]))
            {
                await using var watcher = await Watcher.Watch(instances[random.Next(2)], path, position);
                for (var left = random.Next(1, 5); left > 0 && (heard.Count == 0 || !isLast(heard[^1])); left--)
                {
                    heard.Add(await watcher.Next());
                    position = heard[^1].Id!;
                }
            }

            return heard;
        }

        // What the log has after the first version.
        async Task<IEnumerable<long>> Logged(long root)
        {
            await using var connection = await fixture.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
            return await connection.QueryAsync<long>(
                "select version from comments_events where root_id = @root and version > 1 order by version", new { root });
        }
    }

    [Fact]
    public async Task Of_a_topic_nothing_is_lost_when_transactions_commit_in_another_order_than_they_began()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Live:PollInterval", "00:00:00.1"));
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        var (slow, quick) = (await ann.Begin(topic: topic), await ann.Begin(topic: topic));
        await using var watcher = await Watcher.Watch(instance.CreateClient(), Topic(topic));

        var source = fixture.Services.GetRequiredService<NpgsqlDataSource>();
        await using var first = await source.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var begunFirst = await first.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await Edit(first, slow.Id());
        await Edit(first, slow.Id());
        await using (var second = await source.OpenConnectionAsync(TestContext.Current.CancellationToken))
            await Edit(second, quick.Id());

        var heard = await watcher.Next();
        Assert.Equal(quick.Id(), heard.Thread);
        await begunFirst.CommitAsync(TestContext.Current.CancellationToken);
        var later = await watcher.Next(2);
        Assert.Equal([(slow.Id(), 2L), (slow.Id(), 3L)], later.Select(happened => (happened.Thread, happened.Version)));

        await using var again = await Watcher.Watch(fixture.Client(), Topic(topic), heard.Id);
        Assert.Equal([2, 3], (await again.Next(2)).Select(happened => happened.Version));
        await using var halfway = await Watcher.Watch(fixture.Client(), Topic(topic), later[0].Id);
        Assert.Equal(3, (await halfway.Next()).Version);
        await using var done = await Watcher.Watch(fixture.Client(), Topic(topic), later[1].Id);
        await ann.Reply(quick.Id());
        Assert.Equal("created", (await done.Next()).Kind);

        static Task<int> Edit(NpgsqlConnection connection, long root) => connection.ExecuteAsync("""
            with thread as (
              update comments_threads set version = version + 1 where root_id = @root returning root_id, version, topic
            )
            insert into comments_events (root_id, version, kind, comment_id, topic)
            select root_id, version, 'edited', root_id, topic from thread
            """, new { root });
    }

    [Fact]
    public async Task Likes_of_one_comment_that_follow_each_other_are_told_once_with_their_sum_and_the_last_count()
    {
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        var root = await ann.Begin(topic: topic);
        string topicPosition;
        await using (var watcher = await Watcher.Watch(fixture.Client(), Topic(topic)))
            topicPosition = watcher.LastEventId;
        await Like(3);
        await ann.Reply(root.Id());
        await Like(4);

        await using var thread = await Watcher.Watch(fixture.Client(), $"/comments/{root.Id()}/events", "1");
        await using var middle = await Watcher.Watch(fixture.Client(), $"/comments/{root.Id()}/events", "6");
        await using var ofTopic = await Watcher.Watch(fixture.Client(), Topic(topic), topicPosition);
        foreach (var watcher in new[] { thread, ofTopic })
        {
            var (before, created, after) = (await watcher.Next(), await watcher.Next(), await watcher.Next());
            Assert.Equal(("liked", 4, 3, 3), Told(before));
            Assert.Equal(("created", 5), (created.Kind, created.Version));
            Assert.Equal(("liked", 9, 4, 7), Told(after));
            Assert.Equal(7, after.Comment.Int("like_count"));
        }

        Assert.Equal(("liked", 9, 3, 7), Told(await middle.Next()));

        static (string, long, int, int) Told(Heard liked) => (liked.Kind, liked.Version, liked.Data.Int("delta"), liked.Data.Int("like_count"));

        async Task Like(int users)
        {
            for (var i = 0; i < users; i++)
                await (await (await fixture.SignedIn()).Put($"/comments/{root.Id()}/like")).Json();
        }
    }

    [Fact]
    public async Task A_client_that_adds_the_changes_of_likes_has_their_count_whether_it_stays_comes_later_or_is_cut_off_after_each_event()
    {
        const int Users = 12;
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        var root = await ann.Begin(topic: topic);
        long[] liked = [root.Id(), (await ann.Reply(root.Id())).Id()];
        var thread = $"/comments/{root.Id()}/events";
        await using var ofThread = await Watcher.Watch(fixture.Client(), thread);
        await using var ofTopic = await Watcher.Watch(fixture.Client(), Topic(topic));
        var positions = new[] { (Path: thread, Position: ofThread.LastEventId), (Path: Topic(topic), Position: ofTopic.LastEventId) };

        var clients = await Task.WhenAll(Enumerable.Range(0, Users).Select(_ => fixture.SignedIn()));
        await Task.WhenAll(clients.Select(async (client, number) =>
        {
            foreach (var id in liked)
                await (await client.Put($"/comments/{id}/like")).Json();
            if (number % 4 == 0)
                await client.Reply(root.Id());
            if (number % 3 == 0)
                await (await client.Delete($"/comments/{liked[number % 2]}/like")).Json();
        }));
        // One after the other, so that some of them follow each other for certain.
        foreach (var client in await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => fixture.SignedIn())))
            await (await client.Put($"/comments/{liked[0]}/like")).Json();
        await ann.Reply(root.Id(), "over");

        await Adds(await Heard(ofThread));
        await Adds(await Heard(ofTopic));
        foreach (var (path, position) in positions)
        {
            await using var later = await Watcher.Watch(fixture.Client(), path, position);
            var replayed = await Heard(later);
            await Adds(replayed);
            Assert.InRange(replayed.Count(happened => happened.Kind == "liked"), 2, await Logged() - 2);

            var pieces = new List<Heard>();
            for (var at = position; pieces is [] || !IsLast(pieces[^1]); at = pieces[^1].Id!)
            {
                await using var piece = await Watcher.Watch(fixture.Client(), path, at);
                pieces.Add(await piece.Next());
            }

            await Adds(pieces);
        }

        static bool IsLast(Heard happened) => happened.Kind == "created" && happened.Comment.Text("content") == "over";

        static async Task<List<Heard>> Heard(Watcher watcher)
        {
            var heard = new List<Heard>();
            while (heard is [] || !IsLast(heard[^1]))
                heard.Add(await watcher.Next());
            return heard;
        }

        async Task Adds(List<Heard> heard)
        {
            foreach (var id in liked)
            {
                var changes = heard.Where(happened => happened.Kind == "liked" && happened.CommentId == id).ToList();
                var count = await fixture.Query<int>("select like_count from comments_comments where id = @id", new { id });
                Assert.Equal(count, changes.Sum(change => change.Data.Int("delta")));
                Assert.Equal(count, changes[^1].Data.Int("like_count"));
            }
        }

        Task<int> Logged() => fixture.Query<int>(
            "select count(*)::int from comments_events where root_id = @root and kind = 'liked'", new { root = root.Id() });
    }

    [Fact]
    public async Task A_client_that_missed_more_than_is_replayed_is_told_to_reload()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Live:ReplayLimit", "3"));
        var client = instance.CreateClient();
        var topic = Conversation.NewTopic();
        var ann = await fixture.SignedIn();
        string position;
        await using (var before = await Watcher.Watch(client, Topic(topic)))
            position = before.LastEventId;
        var root = await ann.Begin(topic: topic);
        for (var i = 0; i < 3; i++)
            await ann.Reply(root.Id());

        await using var enough = await Watcher.Watch(client, $"/comments/{root.Id()}/events", "1");
        Assert.Equal([2, 3, 4], (await enough.Next(3)).Select(heard => heard.Version));
        await using var tooMuch = await Watcher.Watch(client, Topic(topic), position);
        Assert.Equal("reset", (await tooMuch.Next()).Kind);
        await ann.Reply(root.Id());
        Assert.Equal(5, (await tooMuch.Next()).Version);
        await using var ofThread = await Watcher.Watch(client, $"/comments/{root.Id()}/events", "1");
        Assert.Equal(("reset", "5"), await ofThread.Next() is var reset ? (reset.Kind, reset.Id) : default);
    }

    [Fact]
    public async Task Old_events_are_pruned_and_clients_that_missed_them_are_told_to_reload()
    {
        // A database of its own: pruning goes by age and not by thread.
        var name = $"closuretable_test_{Guid.NewGuid():n}";
        await fixture.Query<object>($"create database {name}");
        try
        {
            await using var instance = fixture.Instance(host => host
                .UseSetting("ConnectionStrings:Comments", new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { Database = name, Pooling = false }.ConnectionString)
                .UseSetting("Live:Retention", "01:00:00"));
            await Prune(instance);
        }
        finally
        {
            await fixture.Query<object>($"drop database {name} with (force)");
        }
    }

    private static async Task Prune(WebApplicationFactory<Program> instance)
    {
        var topic = Conversation.NewTopic();
        var client = instance.CreateClient();
        await using var database = await instance.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(TestContext.Current.CancellationToken);
        var user = await database.ExecuteScalarAsync<long>("insert into auth_users (email, name, password_hash) values ('a@example.org', 'ann', '') returning id");
        var ann = instance.CreateClient().With(instance.Services.GetRequiredService<ClosureTable.Api.Accounts.TokenIssuer>().Issue(user, "ann", "user").Token);
        var root = await ann.Begin(topic: topic);
        var path = $"/comments/{root.Id()}/events";
        string beginning;
        await using (var watcher = await Watcher.Watch(client, Topic(topic)))
            beginning = watcher.LastEventId;
        for (var i = 0; i < 3; i++)
            await ann.Reply(root.Id());
        await database.ExecuteAsync("update comments_events set created_at = now() - interval '61 minutes' where version <= 3");
        // A position goes by the oldest transaction that was still running, and other tests run some on this server.
        await Wait.Until(() => database.ExecuteScalarAsync<bool>(
            "select pg_snapshot_xmin(pg_current_snapshot()) > xid from comments_events order by xid desc limit 1"));
        string afterwards;
        await using (var watcher = await Watcher.Watch(client, Topic(topic)))
            afterwards = watcher.LastEventId;

        // Another instance is at it.
        var pruning = instance.Services.GetRequiredService<EventPruning>();
        await using (var held = await database.BeginTransactionAsync(TestContext.Current.CancellationToken))
        {
            await database.ExecuteAsync("select pg_advisory_xact_lock(@key)", new { key = EventPruning.LockKey });
            Assert.Equal(0, await pruning.Run(TestContext.Current.CancellationToken));
        }

        Assert.Equal(3, await pruning.Run(TestContext.Current.CancellationToken));
        Assert.Equal(0, await pruning.Run(TestContext.Current.CancellationToken));
        Assert.Equal(4, await database.ExecuteScalarAsync<long>("select min(version) from comments_events"));

        foreach (var (stream, position) in new[] { (path, "1"), (path, "2"), (Topic(topic), beginning) })
        {
            await using var behind = await Watcher.Watch(client, stream, position);
            Assert.Equal("reset", (await behind.Next()).Kind);
        }

        await using var thread = await Watcher.Watch(client, path, "3");
        Assert.Equal(4, (await thread.Next()).Version);
        await using var ofTopic = await Watcher.Watch(client, Topic(topic), afterwards);
        await ann.Reply(root.Id());
        Assert.Equal(5, (await ofTopic.Next()).Version);
    }
}
