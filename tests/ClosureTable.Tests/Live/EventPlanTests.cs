using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Live;
using ClosureTable.Tests.Fixture;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Live;

/// <summary>
/// However long the log is, a read of it touches what is new and no more. A planner cannot know how few that is, and with a
/// little less in the statements it reads everything: each read says by PostgreSQL's own counters what it touched.
/// </summary>
public sealed class EventPlanTests(ServiceFixture fixture)
{
    private const int Logged = 40_000, New = 20;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("analyze comments_events")]
    [InlineData("select 'nothing is known of the log'")]
    public async Task A_read_touches_only_what_is_new(string statistics)
    {
        await using var database = await fixture.NewDatabase();
        await using var instance = fixture.Instance(host => host.UseSetting("ConnectionStrings:Comments", database.ConnectionString));
        instance.CreateClient();
        // One connection, as the tail has, and statements that are prepared as everywhere: the plan for any value is tried too.
        var settings = new NpgsqlConnectionStringBuilder(database.ConnectionString) { MaxPoolSize = 1, MaxAutoPrepare = 20, AutoPrepareMinUsages = 2 };
        await using var reading = NpgsqlDataSource.Create(settings.ConnectionString);
        await using var writing = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString);

        // A transaction that runs all the time, so that the whole log is newer than the oldest that a snapshot must look for.
        await using var slow = await writing.OpenConnectionAsync(Ct);
        await using var running = await slow.BeginTransactionAsync(Ct);
        await slow.ExecuteAsync("select pg_current_xact_id()");
        await using var writer = await writing.OpenConnectionAsync(Ct);
        await writer.ExecuteAsync("""
            insert into comments_events (root_id, version, kind, comment_id, topic)
            select event % 400, event / 400, 'edited', event % 400, 'topic ' || event % 100
            from generate_series(1, @Logged) event
            """, new { Logged });
        await writer.ExecuteAsync(statistics);
        var since = (await writer.ExecuteScalarAsync<string>("select pg_current_snapshot()::text"))!;
        await Add(slow, 1_000_000);
        for (var i = 0; i < New - 1; i++)
            await Add(writer, 1000 + i);
        await running.CommitAsync(Ct);
        var until = (await writer.ExecuteScalarAsync<string>("select pg_current_snapshot()::text"))!;
        var events = new EventRepository(reading);

        // More than five times: from then on PostgreSQL may keep a plan for any value.
        for (var i = 0; i < 8; i++)
        {
            await Touches(New, async () =>
            {
                await using var connection = await reading.OpenConnectionAsync(Ct);
                return (await EventRepository.Tail(connection, since, notify: false, limit: 2001, Ct)).Events.Count;
            });
            await Touches(New, async () => (await events.OfTopic("topic 1", since, until, limit: 1001, Ct)).Count);
            await Touches(New, async () => (await events.OfThread(1, after: 999, until, limit: 1001, Ct)).Count);
            await Touches(0, async () => (await events.OfTopic("topic 2", since, until, limit: 1001, Ct)).Count);
        }

        static Task<int> Add(NpgsqlConnection connection, long version) => connection.ExecuteAsync(
            "insert into comments_events (root_id, version, kind, comment_id, topic) values (1, @version, 'edited', 1, 'topic 1')", new { version });

        async Task Touches(int found, Func<Task<int>> read)
        {
            var before = await Touched();
            Assert.Equal(found, await read());
            // In progress and begun since are two ranges, either of which may be filtered by the topic.
            Assert.InRange(await Touched() - before, 0, 3 * New);
        }

        async Task<long> Touched()
        {
            await using (var connection = await reading.OpenConnectionAsync(Ct))
                await connection.ExecuteAsync("select pg_stat_force_next_flush()");
            return await writer.ExecuteScalarAsync<long>("""
                select (select seq_tup_read from pg_stat_user_tables where relname = 'comments_events')
                  + (select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'comments_events')
                """);
        }
    }
}
