using ClosureTable.Api.Live;
using ClosureTable.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Live;

/// <summary>Several instances on one database: what one writes, the streams of the others tell.</summary>
public sealed class InstanceTests(ServiceFixture fixture)
{
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(5);

    private Microsoft.AspNetCore.Mvc.Testing.WebApplicationFactory<Program> Instance(TimeSpan poll, string? name = null) => fixture.Instance(host => host
        .UseSetting("Live:PollInterval", poll.ToString())
        .UseSetting("ConnectionStrings:Comments", new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { ApplicationName = name }.ConnectionString)
        // Streams that did not end by themselves would hold a stopping instance for as long as that.
        .UseSetting("shutdownTimeoutSeconds", "600"));

    private Task<int> Kill(string name, string query) => fixture.Query<int>("""
        select count(pg_terminate_backend(pid))::int
        from pg_stat_activity
        where application_name = @name and query like @query
        """, new { name, query });

    [Fact]
    public async Task What_one_instance_writes_the_streams_of_another_tell_because_they_are_notified()
    {
        await using var other = Instance(poll: Never);
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        await using var watcher = await Watcher.Watch(other.CreateClient(), $"/comments/{root.Id()}/events");
        for (var i = 0; i < 3; i++)
        {
            var reply = await ann.Reply(root.Id());
            Assert.Equal(reply.Id(), (await watcher.Next()).CommentId);
        }
    }

    [Fact]
    public async Task A_notification_that_was_never_sent_is_made_up_for_by_the_slow_poll()
    {
        await using var other = Instance(poll: TimeSpan.FromSeconds(0.2));
        var root = await (await fixture.SignedIn()).Begin();
        await using var watcher = await Watcher.Watch(other.CreateClient(), $"/comments/{root.Id()}/events");
        // As an instance leaves it that dies between its commit and its notification.
        await fixture.Query<object>("""
            with thread as (
              update comments_threads set version = version + 1 where root_id = @id returning root_id, version
            )
            insert into comments_events (root_id, version, kind, comment_id)
            select root_id, version, 'edited', root_id from thread
            """, new { id = root.Id() });
        Assert.Equal(("edited", 2), await watcher.Next() is var heard ? (heard.Kind, heard.Version) : default);
    }

    [Fact]
    public async Task An_instance_whose_connections_are_cut_loses_nothing()
    {
        var name = $"cut {Guid.NewGuid():n}";
        await using var other = Instance(poll: Never, name);
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        await using var watcher = await Watcher.Watch(other.CreateClient(), $"/comments/{root.Id()}/events");
        await Wait.Until(async () => await Kill(name, "listen %") == 1);
        await ann.Reply(root.Id());
        Assert.Equal(2, (await watcher.Next()).Version);

        // All of them: the one that reads too, and the pool.
        Assert.InRange(await Kill(name, "%"), 2, 100);
        await ann.Reply(root.Id());
        await ann.Reply(root.Id());
        Assert.Equal([3, 4], (await watcher.Next(2)).Select(heard => heard.Version));
    }

    [Fact]
    public async Task A_client_goes_on_at_another_instance_where_one_stopped()
    {
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        var path = $"/comments/{root.Id()}/events";
        var first = Instance(poll: Never);
        var watcher = await Watcher.Watch(first.CreateClient(), path);
        await ann.Reply(root.Id());
        var last = await watcher.Next();

        await first.DisposeAsync();
        Assert.Empty(await watcher.Rest());
        await watcher.DisposeAsync();
        await ann.Reply(root.Id());
        await ann.Reply(root.Id());

        await using var second = Instance(poll: Never);
        await using var again = await Watcher.Watch(second.CreateClient(), path, last.Id);
        await ann.Reply(root.Id());
        Assert.Equal([3, 4, 5], (await again.Next(3)).Select(heard => heard.Version));
    }

    [Fact]
    public async Task Without_streams_an_instance_reads_nothing()
    {
        var name = $"idle {Guid.NewGuid():n}";
        await using var other = Instance(poll: TimeSpan.FromSeconds(0.1), name);
        var ann = await fixture.SignedIn();
        var root = await ann.Begin();
        await using (await Watcher.Watch(other.CreateClient(), $"/comments/{root.Id()}/events"))
            await Wait.Until(async () => await LastRead() is not null);
        await Wait.Until(() => other.Services.GetRequiredService<EventStreams>().Count == 0);

        // It is still notified of every write, and no longer reads for that.
        var before = await LastRead();
        await Wait.Until(async () =>
        {
            before = await LastRead();
            await ann.Reply(root.Id());
            await ann.Reply(root.Id());
            return await LastRead() == before;
        });

        Task<DateTime?> LastRead() => fixture.Query<DateTime?>(
            "select max(query_start) from pg_stat_activity where application_name = @name and query like '%comments_events%'", new { name });
    }
}
