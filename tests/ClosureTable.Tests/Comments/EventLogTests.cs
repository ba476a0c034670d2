using ClosureTable.Api.Comments;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Comments;

public sealed class EventLogTests(ServiceFixture fixture)
{
    [Fact]
    public async Task Changes_recorded_together_leave_what_the_same_changes_leave_one_by_one()
    {
        var ann = await fixture.SignedIn();
        var (one, all) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        await using var connection = await fixture.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);

        foreach (var change in Changes(one))
            await connection.Write(EventLog.Record, change, TestContext.Current.CancellationToken);
        await connection.WriteAll(Changes(all), TestContext.Current.CancellationToken);

        Assert.Equal(await Left(one), await Left(all));

        async Task<string?> Left(long rootId) => (await connection.ExecuteScalarAsync<string>("""
            select to_jsonb(thread) - array['root_id', 'topic', 'created_at'] || jsonb_build_object('events', (
              select jsonb_agg(to_jsonb(event) - array['root_id', 'comment_id', 'topic', 'created_at', 'xid'] order by version)
              from comments_events event
              where event.root_id = thread.root_id and version > 1
            ))
            from comments_threads thread
            where root_id = @rootId
            """, new { rootId }));
    }

    private static ThreadChange[] Changes(long rootId) =>
    [
        ThreadChange.Created(rootId, rootId, parentId: null, new DateTime(2099, 1, 2, 3, 4, 5, DateTimeKind.Utc)),
        ThreadChange.Created(rootId, rootId, parentId: 7, new DateTime(2098, 1, 2, 3, 4, 5, DateTimeKind.Utc)),
        ThreadChange.Liked(rootId, rootId, delta: 1, likeCount: 1),
        ThreadChange.Buried(rootId, rootId),
        ThreadChange.Edited(rootId, rootId),
        ThreadChange.Removed(rootId, rootId, [1], tombstones: 1),
    ];
}
