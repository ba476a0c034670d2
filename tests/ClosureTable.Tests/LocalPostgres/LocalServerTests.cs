using Npgsql;
using static ClosureTable.Tests.LocalPostgres.TemporaryDirectory;

namespace ClosureTable.Tests.LocalPostgres;

public sealed class LocalServerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_user_starts_the_server_and_its_leaving_stops_it()
    {
        var server = await _directory.Start();
        Assert.True(server.Started);
        Assert.Equal("closuredb", await Query<string>(server.ConnectionString, "select current_database()::text"));
        Assert.Equal("closureuser", await Query<string>(server.ConnectionString, "select current_user::text"));

        await server.DisposeAsync();
        Assert.Null(_directory.Postmaster);
        await Assert.ThrowsAsync<NpgsqlException>(() => Query<int>(server.ConnectionString, "select 1"));
    }

    [Fact]
    public async Task What_was_written_is_there_at_the_next_start()
    {
        await using (var server = await _directory.Start())
            await Query<int>(server.ConnectionString, "create table kept as select 42 as answer; select 1");
        await using (var server = await _directory.Start())
            Assert.Equal(42, await Query<int>(server.ConnectionString, "select answer from kept"));
    }

    [Fact]
    public async Task A_second_user_adopts_the_server_and_the_last_one_to_leave_stops_it()
    {
        var first = await _directory.Start();
        var second = await _directory.Start();
        Assert.False(second.Started);
        Assert.Equal(first.ConnectionString, second.ConnectionString);

        await first.DisposeAsync();
        Assert.Equal(1, await Query<int>(second.ConnectionString, "select 1"));
        await second.DisposeAsync();
        Assert.Null(_directory.Postmaster);
    }
}
