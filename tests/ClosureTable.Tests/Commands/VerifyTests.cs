using ClosureTable.Api.Commands.Integrity;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;

namespace ClosureTable.Tests.Commands;

/// <summary>Each invariant is broken by hand, found, and mended.</summary>
public sealed class VerifyTests(OwnServiceFixture fixture) : IClassFixture<OwnServiceFixture>
{
    private const string Rows = "comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)";

    /// <summary>A thread with everything in it: a root with two branches, one of them three levels deep, a tombstone with a reply, likes, edits; and a second thread.</summary>
    private sealed record Damageable(long Root, long First, long Second, long Third, long Leaf, long Tombstone, long Other);

    private async Task<Damageable> Thread()
    {
        // What PostgreSQL would not let anybody break is broken here too.
        await fixture.Execute("""
            alter table comments_comments drop constraint if exists comments_comments_parent_exists, drop constraint if exists comments_comments_root_has_no_parent;
            alter table comments_tree drop constraint if exists comments_tree_descendant_exists;
            alter table comments_likes drop constraint if exists comments_likes_comment_exists;
            """);
        var (ann, bob) = (await fixture.SignedIn("ann"), await fixture.SignedIn("bob"));
        var root = (await ann.Begin("root", "a topic")).Id();
        var first = (await ann.Reply(root, "first")).Id();
        var second = (await bob.Reply(first, "second")).Id();
        var third = (await ann.Reply(second, "third")).Id();
        var leaf = (await bob.Reply(root, "leaf")).Id();
        var tombstone = (await ann.Reply(root, "tombstone")).Id();
        await ann.Reply(tombstone, "below the tombstone");
        await (await ann.Delete($"/comments/{tombstone}")).Json();
        await (await ann.Put($"/comments/{first}/like")).Json();
        await (await bob.Put($"/comments/{first}/like")).Json();
        await (await bob.Put($"/comments/{root}/like")).Json();
        await (await ann.Patch($"/comments/{third}", new { content = "third, edited" })).Json();
        var other = (await bob.Begin("another thread")).Id();
        Assert.Empty(await fixture.Violations(root));
        return new(root, first, second, third, leaf, tombstone, other);
    }

    public static TheoryData<string, string> Damages() => new()
    {
        { "no_cycle: thread {Root}, comment {First}, it is its own ancestor", "update comments_comments set parent_id = @Third where id = @First" },
        { "no_cycle: thread {Root}, comment {Second}, it is its own ancestor", "update comments_comments set parent_id = id where id = @Second" },
        { "parent_exists: thread {Root}, comment {Second}, its parent 999999999 does not exist", "update comments_comments set parent_id = 999999999 where id = @Second" },
        { "root_is_top: thread {Root}, comment {Third}, root_id is {Other}, its topmost ancestor is {Root}", "update comments_comments set root_id = @Other where id = @Third" },
        { "depth_is_level: thread {Root}, comment {Second}, depth is 5, it should be 2", "update comments_comments set depth = 5 where id = @Second" },
        { "self_row: thread {Root}, comment {Second}, it has no row for itself in the tree", "delete from comments_tree where ancestor_id = @Second and descendant_id = @Second" },
        { "self_row: thread {Root}, comment {First}, its own row in the tree says nearest ancestor {Root}, depth 1 instead of {First}, 1", "update comments_tree set nearest_ancestor_id = @Root where ancestor_id = @First and descendant_id = @First" },
        { "closure: thread {Root}, comment {Third}, the tree has no row for its ancestor {First}", "delete from comments_tree where ancestor_id = @First and descendant_id = @Third" },
        { "closure: thread {Root}, comment {Third}, the tree has a row for {Leaf}, which is not its ancestor", $"insert into {Rows} values (@Leaf, @Second, @Third, 3)" },
        { "closure: thread {Root}, comment {Second}, the tree has a row for 999999999, which is not its ancestor", $"insert into {Rows} values (999999999, @First, @Second, 2)" },
        { "closure: thread {Root}, comment {Third}, the row for its ancestor {Root} says nearest ancestor {Root}, depth 3 instead of {Second}, 3", "update comments_tree set nearest_ancestor_id = @Root where ancestor_id = @Root and descendant_id = @Third" },
        { "closure: thread {Root}, comment {Third}, the row for its ancestor {Root} says nearest ancestor {Second}, depth 1 instead of {Second}, 3", "update comments_tree set depth = 1 where ancestor_id = @Root and descendant_id = @Third" },
        { "child_count: thread {Root}, comment {Root}, child_count is 2, it has 3 direct replies", "update comments_comments set child_count = 2 where id = @Root" },
        { "descendant_count: thread {Root}, comment {First}, descendant_count is 7, it has 2 descendants", "update comments_comments set descendant_count = 7 where id = @First" },
        { "like_count: thread {Root}, comment {First}, like_count is 1, it has 2 likes", "update comments_comments set like_count = 1 where id = @First" },
        { "like_count: thread {Root}, comment {First}, like_count is 2, it has 1 likes", "delete from comments_likes where ctid = (select min(ctid) from comments_likes where comment_id = @First)" },
        { "tombstone_holds_replies: thread {Root}, comment {Leaf}, it is a tombstone without living descendants", "update comments_comments set deleted_at = now(), content = '', author_id = null where id = @Leaf" },
        { "tombstone_is_blank: thread {Root}, comment {Tombstone}, it is a tombstone, but still has content, revisions or an author", "update comments_comments set content = 'words' where id = @Tombstone" },
        { "tombstone_is_blank: thread {Root}, comment {Tombstone}, it is a tombstone, but still has content, revisions or an author", "insert into comments_revisions (comment_id, revision, content, written_at) values (@Tombstone, 1, 'words', now())" },
        { "thread_row: thread {Root}, the thread has no row", "delete from comments_threads where root_id = @Root" },
        { "thread_row: thread {Root}, the row says created at 2020-01-01 00:00:00+00, the root ", "update comments_threads set created_at = '2020-01-01Z' where root_id = @Root" },
        { "thread_row: thread {Root}, the row says created at ", "update comments_threads set last_activity_at = '2020-01-01Z' where root_id = @Root" },
        { "thread_counts: thread {Root}, the row counts 6 comments, 1 tombstones, 1 likes of the root; there are 7, 1, 1", "update comments_threads set comment_count = 6 where root_id = @Root" },
        { "thread_counts: thread {Root}, the row counts 7 comments, 0 tombstones, 1 likes of the root; there are 7, 1, 1", "update comments_threads set tombstone_count = 0 where root_id = @Root" },
        { "thread_counts: thread {Root}, the row counts 7 comments, 1 tombstones, 9 likes of the root; there are 7, 1, 1", "update comments_threads set like_count = 9 where root_id = @Root" },
        { "event_log: thread {Root}, 2 of the events 1 to 12 are missing", "delete from comments_events where root_id = @Root and version in (3, 4)" },
        { "version: thread {Root}, the version is 20, the newest event's 12", "update comments_threads set version = 20 where root_id = @Root" },
        { "version: thread {Root}, the version is 5, the newest event's 12", "update comments_threads set version = 5 where root_id = @Root" },
        { "no_orphans: comment 999999999, the tree has 1 rows for it, and it does not exist", $"insert into {Rows} values (@Root, @Root, 999999999, 1)" },
        { "no_orphans: comment 999999999, it has 1 likes, and it does not exist", "insert into comments_likes (comment_id, user_id) select 999999999, min(id) from auth_users" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task A_broken_invariant_is_found_and_mended(string expected, string damage)
    {
        var thread = await Thread();
        var parents = await Parents(thread);

        Assert.NotEqual(0, await fixture.Execute(damage, thread));

        foreach (var property in typeof(Damageable).GetProperties())
            expected = expected.Replace($"{{{property.Name}}}", $"{property.GetValue(thread)}", StringComparison.Ordinal);
        Assert.Contains(await fixture.Violations(), violation => violation.ToString().StartsWith(expected, StringComparison.Ordinal));

        var (changes, remaining) = await Repair();
        Assert.NotEmpty(changes);
        Assert.Empty(remaining);
        Assert.Empty(await fixture.Violations());
        if (!expected.StartsWith("no_cycle", StringComparison.Ordinal) && !expected.StartsWith("parent_exists", StringComparison.Ordinal)
            && !expected.StartsWith("tombstone_holds_replies", StringComparison.Ordinal))
            Assert.Equal(parents, await Parents(thread));
        Assert.Equal((await Repair()).Changes, []);
    }

    [Theory]
    [InlineData("update comments_comments set parent_id = @Third where id = @First", nameof(Damageable.First))]
    [InlineData("update comments_comments set parent_id = 999999999 where id = @Second", nameof(Damageable.Second))]
    public async Task A_comment_on_a_cycle_or_below_nothing_becomes_a_thread_with_all_below_it(string damage, string loose)
    {
        var thread = await Thread();
        var id = (long)typeof(Damageable).GetProperty(loose)!.GetValue(thread)!;
        await fixture.Execute(damage, thread);

        var (changes, _) = await Repair();

        Assert.Contains(changes, change => change.Contains($"comment {id}, ", StringComparison.Ordinal) && change.EndsWith("is the root of a thread of its own now", StringComparison.Ordinal));
        var tree = await fixture.Client().Read($"/comments/{id}");
        Assert.Equal(System.Text.Json.JsonValueKind.Null, tree.GetProperty("parent_id").ValueKind);
        Assert.Equal(thread.Third, tree.Flatten().Last().Id());
        var ann = await fixture.SignedIn();
        await ann.Reply(thread.Third, "it takes replies");
        await ann.Reply(thread.Root, "and so does the rest");
        Assert.Empty(await fixture.Violations());
    }

    [Fact]
    public async Task A_tombstone_that_nothing_holds_up_goes_and_takes_an_empty_thread_along()
    {
        var thread = await Thread();
        await fixture.Execute("""
            update comments_comments
            set deleted_at = now(), content = '', author_id = null
            where id in (@Leaf, @Other)
            """, thread);

        var (changes, remaining) = await Repair();

        Assert.Contains(changes, change => change.StartsWith($"thread {thread.Other}: 1 tombstones without a reply removed", StringComparison.Ordinal));
        Assert.Empty(remaining);
        Assert.Equal(0, await fixture.Query<long>("select count(*) from comments_comments where id in (@Leaf, @Other)", thread));
        Assert.Equal(0, await fixture.Query<long>("select count(*) from comments_threads where root_id = @Other", thread));
    }

    [Fact]
    public async Task A_repair_is_a_version_of_the_thread_so_that_no_reader_keeps_what_was_wrong()
    {
        var thread = await Thread();
        var version = await fixture.Version(thread.Root);
        await fixture.Execute("update comments_comments set depth = 9 where id = @Leaf", thread);

        await Repair();

        Assert.Equal(version + 1, await fixture.Version(thread.Root));
        Assert.Equal("moved", await fixture.Query<string>(
            "select kind from comments_events where root_id = @Root and version = @version", new { thread.Root, version = version + 1 }));
    }

    [Fact]
    public async Task A_repair_of_one_thread_leaves_the_others()
    {
        var (first, second) = (await Thread(), await Thread());
        await fixture.Execute("update comments_comments set depth = 9 where id in (@first, @second)", new { first = first.Leaf, second = second.Leaf });

        await Repair(first.Root);

        Assert.Empty(await fixture.Violations(first.Root));
        Assert.Equal(second.Leaf, Assert.Single(await fixture.Violations()).CommentId);
        await Repair();
    }

    [Fact]
    public async Task Everything_broken_at_once_is_mended()
    {
        var thread = await Thread();
        foreach (var damage in Damages())
            await fixture.Execute(damage.Data.Item2, thread);

        var (_, remaining) = await Repair();

        Assert.Empty(remaining);
        Assert.Empty(await fixture.Violations());
    }

    [Fact]
    public async Task The_commands_say_what_is_wrong_and_where_and_exit_with_1_until_it_is_mended()
    {
        var thread = await Thread();
        await fixture.Execute("delete from comments_tree where ancestor_id = @First and descendant_id = @Third", thread);

        var broken = await Cli.Run(fixture.ConnectionString, ["verify"]);
        var elsewhere = await Cli.Run(fixture.ConnectionString, ["verify", "--thread", $"{thread.Other}"]);
        var repaired = await Cli.Run(fixture.ConnectionString, ["repair", "--thread", $"{thread.Root}"]);
        var sound = await Cli.Run(fixture.ConnectionString, ["verify"]);

        Assert.Equal(1, broken.ExitCode);
        Assert.Contains($"closure: thread {thread.Root}, comment {thread.Third}, the tree has no row for its ancestor {thread.First}", broken.Output, StringComparison.Ordinal);
        Assert.Equal((0, "1 comments: all invariants hold.\n"), (elsewhere.ExitCode, elsewhere.Output));
        Assert.Equal(0, repaired.ExitCode);
        Assert.Contains($"thread {thread.Root}: 1 rows added to the tree", repaired.Output, StringComparison.Ordinal);
        Assert.Equal(0, sound.ExitCode);
        Assert.Contains("all invariants hold", sound.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_the_schema_is_said_to_need_it()
    {
        await using var empty = await fixture.NewDatabase();

        var (exitCode, _, error) = await Cli.Run(empty.ConnectionString, ["verify"]);

        Assert.Equal(1, exitCode);
        Assert.Contains("run migrate first", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Verify_waits_for_no_writer_and_no_writer_waits_for_it()
    {
        var thread = await Thread();
        await using var writer = await fixture.Source().OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await writer.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await using (var hold = new Npgsql.NpgsqlCommand($"select root_id from comments_threads where root_id = {thread.Root} for update", writer))
            await hold.ExecuteScalarAsync(TestContext.Current.CancellationToken);

        // Would wait for the writer for ever if it took the thread; and a write happens in the middle of it.
        var ann = await fixture.SignedIn();
        long? reply = null;
        var violations = new List<Violation>();
        await new Verification(fixture.Source()).Run(null, violations.Add, _ => reply = ann.Reply(thread.Other).GetAwaiter().GetResult().Id(), TestContext.Current.CancellationToken);

        Assert.Empty(violations);
        Assert.NotNull(reply);
    }

    private async Task<(List<string> Changes, List<Violation> Remaining)> Repair(long? rootId = null)
    {
        var (changes, remaining) = (new List<string>(), new List<Violation>());
        await new Repair(fixture.Source()).Run(rootId, changes.Add, remaining.Add, TestContext.Current.CancellationToken);
        return (changes, remaining);
    }

    private Task<List<(long, long?)>> Parents(Damageable thread) => fixture.Rows<(long, long?)>(
        "select id, parent_id from comments_comments where id between @Root and @Other order by id", thread);
}
