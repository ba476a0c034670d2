using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Live;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>An instance that is asked to stop does so in an order that loses no request.</summary>
[Trait("Category", "Slow")]
public sealed class StopTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_write_under_way_is_finished_and_a_stream_ends_when_the_service_stops()
    {
        await using var service = await Start("00:00:00");
        var ann = service.Client.With((await fixture.NewUser()).Token);
        var root = await ann.Begin();
        await using var watcher = await Watcher.Watch(ann, $"/comments/{root.Id()}/events");

        await using var session = new NpgsqlConnection(fixture.ConnectionString);
        await session.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await session.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await session.ExecuteAsync("select from comments_threads where root_id = @id for update", new { id = root.Id() });
        var writing = ann.Post("/comments", new { content = "under way", parent_id = root.Id() });
        await Wait.Until(async () => await fixture.Query<bool>(
            "select exists (select from pg_locks where not granted and @blocker = any(pg_blocking_pids(pid)))", new { blocker = session.ProcessID }));

        var stopped = service.Stop();
        Assert.Empty(await watcher.Rest());
        Assert.False(writing.IsCompleted);
        await transaction.RollbackAsync(TestContext.Current.CancellationToken);
        var reply = await (await writing).Json(HttpStatusCode.Created);
        Assert.Equal(0, await stopped);
        Assert.Equal("under way", (await fixture.Client().Read($"/comments/{reply.Id()}")).Text("content"));
    }

    [Fact]
    public async Task A_stopping_service_is_not_ready_before_it_closes_and_serves_until_then()
    {
        await using var service = await Start("00:00:10");
        var ann = service.Client.With((await fixture.NewUser()).Token);
        var root = await ann.Begin();
        await using var watcher = await Watcher.Watch(ann, $"/comments/{root.Id()}/events");
        Assert.Equal(HttpStatusCode.OK, (await ann.Get("/health/ready")).StatusCode);

        var stopped = service.Stop();
        await Wait.Until(async () => (await ann.Get("/health/ready")).StatusCode == HttpStatusCode.ServiceUnavailable);
        Assert.Equal(HttpStatusCode.OK, (await ann.Get("/health/live")).StatusCode);
        await ann.Reply(root.Id());
        Assert.Equal(2, (await watcher.Next()).Version);

        Assert.Empty(await watcher.Rest());
        Assert.Equal(0, await stopped);
        await Assert.ThrowsAsync<HttpRequestException>(() => ann.Get("/health/live"));
    }

    private Task<ServiceProcess> Start(string readinessDelay) =>
        ServiceProcess.Start(fixture.ConnectionString, ("Stop__ReadinessDelay", readinessDelay));
}
