using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Threads;

/// <summary>
/// A transaction of the test's own that stands in the way of the service's, so that requests meet in the order that a test
/// wants: each is seen waiting, in PostgreSQL's own books, before the next one is sent. Needs a database of its own.
/// </summary>
internal sealed class Gate : IAsyncDisposable
{
    private readonly NpgsqlConnection connection;
    private NpgsqlTransaction? transaction;

    private Gate(NpgsqlConnection connection, NpgsqlTransaction transaction, int pid) =>
        (this.connection, this.transaction, Pid) = (connection, transaction, pid);

    /// <summary>The backend of the transaction; behind a pooler not the one that the connection was told of.</summary>
    public int Pid { get; }

    /// <summary>Holds the row of a thread, as every write to the thread does.</summary>
    public static Task<Gate> OfThread(ServiceFixture fixture, long rootId) =>
        Of(fixture, "select root_id from comments_threads where root_id = @rootId for no key update", new { rootId });

    /// <summary>Holds everything that the statement locks.</summary>
    public static async Task<Gate> Of(ServiceFixture fixture, string sql, object? args = null)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);
        await connection.ExecuteAsync(sql, args);
        return new Gate(connection, transaction, await connection.ExecuteScalarAsync<int>("select pg_backend_pid()"));
    }

    /// <summary>Returns once so many backends of this database wait for a lock.</summary>
    public static Task Waiting(ServiceFixture fixture, int count) => Until(fixture, $"{count} wait for a lock", """
        select count(*) = @count
        from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'
        """, new { count });

    /// <summary>Returns once one backend waits for this one, and not for any other.</summary>
    /// <returns>Its process id.</returns>
    public async Task<int> Blocked(ServiceFixture fixture) => await BlockedBy(fixture, Pid);

    public static async Task<int> BlockedBy(ServiceFixture fixture, int pid)
    {
        const string Waiters = "select pid from pg_stat_activity where datname = current_database() and pg_blocking_pids(pid) = array[@pid]";
        await Until(fixture, $"one waits for {pid}", $"select count(*) = 1 from ({Waiters}) waiter", new { pid });
        return await fixture.Query<int>(Waiters, new { pid });
    }

    public async Task Release()
    {
        await transaction!.CommitAsync(TestContext.Current.CancellationToken);
        transaction = null;
    }

    public static async Task Until(ServiceFixture fixture, string what, string condition, object? args = null)
    {
        await using var connection = new NpgsqlConnection(fixture.ConnectionString);
        await Wait.Until(() => connection.ExecuteScalarAsync<bool>(condition, args), what, async () => string.Join("; ", await connection.QueryAsync<string>(
            "select format('%s %s %s %s: %s', pid, state, wait_event, pg_blocking_pids(pid), query) from pg_stat_activity where datname = current_database()")));
    }

    public async ValueTask DisposeAsync()
    {
        if (transaction is not null)
            await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }
}
