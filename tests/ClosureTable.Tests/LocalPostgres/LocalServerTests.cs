using System.Diagnostics;
using System.Runtime.InteropServices;
using ClosureTable.LocalPostgres;
using ClosureTable.Tests.Fixture;
using Npgsql;
using static ClosureTable.Tests.LocalPostgres.TemporaryDirectory;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>Starting, sharing and stopping, with processes that are killed at bad moments.</summary>
[Trait("Category", "Slow")]
public sealed class LocalServerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_first_user_starts_the_server_and_its_leaving_stops_it()
    {
        var server = await _directory.Start();
        Assert.True(server.Started);
        Assert.Equal("closuredb closureuser", await Query<string>(server.ConnectionString, "select concat_ws(' ', current_database(), current_user)"));

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
        var command = await _directory.Start();
        using var service = OtherProcess.Run(_directory);
        Assert.Equal((false, command.ConnectionString), await service.HasServer());

        await command.DisposeAsync();
        Assert.Equal(1, await Query<int>(command.ConnectionString, "select 1"));
        await service.Leave();
        Assert.Null(_directory.Postmaster);
    }

    [Fact]
    public async Task A_command_beside_a_service_leaves_its_server_alone()
    {
        using var service = OtherProcess.Run(_directory);
        Assert.True((await service.HasServer()).Started);
        var postmaster = _directory.Postmaster;

        var command = await _directory.Start();
        Assert.False(command.Started);
        await command.DisposeAsync();

        Assert.Equal(postmaster, _directory.Postmaster);
        Assert.Equal(1, await Query<int>(command.ConnectionString, "select 1"));
        await service.Leave();
    }

    [Fact]
    public async Task Processes_that_start_at_once_share_one_server()
    {
        var processes = Enumerable.Range(0, 5).Select(_ => OtherProcess.Run(_directory)).ToList();
        var servers = await Task.WhenAll(processes.Select(process => process.HasServer()));

        Assert.Single(servers, server => server.Started);
        Assert.Single(servers.Select(server => server.ConnectionString).Distinct());
        await Task.WhenAll(processes.Select(process => process.Leave()));
        Assert.Null(_directory.Postmaster);
        processes.ForEach(process => process.Dispose());
    }

    [Fact]
    public async Task The_server_of_a_killed_service_is_adopted_and_then_stopped()
    {
        using (var service = OtherProcess.Run(_directory))
        {
            await service.HasServer();
            await service.Kill();
        }
        var postmaster = _directory.Postmaster;
        Assert.NotNull(postmaster);

        await using (var next = await _directory.Start())
        {
            Assert.False(next.Started);
            Assert.Equal(postmaster, _directory.Postmaster);
        }
        Assert.Null(_directory.Postmaster);
    }

    [Fact]
    public async Task A_service_killed_while_it_creates_the_data_is_recovered_from()
    {
        using (var service = OtherProcess.Run(_directory))
        {
            await Wait.Until(() => Directory.Exists(_directory.Path) && Directory.GetDirectories(_directory.Path, "data.new-*").Length > 0);
            await service.Kill();
        }

        await using var next = await _directory.Start();
        Assert.True(next.Started);
        Assert.Equal(1, await Query<int>(next.ConnectionString, "select 1"));
    }

    [Fact]
    public async Task A_service_killed_while_it_starts_the_server_is_recovered_from()
    {
        using (var service = OtherProcess.Run(_directory))
        {
            await Wait.Until(() => File.Exists(Path.Combine(_directory.Path, "closuretable.conf")));
            await service.Kill();
        }

        await using (var next = await _directory.Start())
            Assert.Equal(1, await Query<int>(next.ConnectionString, "select 1"));
        Assert.Null(_directory.Postmaster);
    }

    [Fact]
    public async Task A_killed_server_recovers_with_everything_that_was_committed()
    {
        var options = _directory.Options with { Durable = true };
        var server = await _directory.Start(options);
        await Query<int>(server.ConnectionString, "create table kept as select 42 as answer; select 1");
        using (var postmaster = Process.GetProcessById(_directory.Postmaster!.Value)) postmaster.Kill();

        await using var next = await _directory.Start(options);
        Assert.True(next.Started);
        Assert.Equal(42, await Query<int>(next.ConnectionString, "select answer from kept"));
        await server.DisposeAsync();
        Assert.Equal(42, await Query<int>(next.ConnectionString, "select answer from kept"));
    }

    [Fact]
    public async Task A_stale_pid_file_whose_number_another_process_has_by_now_does_not_matter()
    {
        using var elsewhere = new TemporaryDirectory();
        await using var otherServer = await elsewhere.Start();
        await using (await _directory.Start()) { }

        foreach (var pid in (int[])[Environment.ProcessId, elsewhere.Postmaster!.Value])
        {
            await File.WriteAllTextAsync(_directory.PidFile, $"{pid}\n{_directory.Path}/data\n0\n5432\n/nowhere\n\n", TestContext.Current.CancellationToken);
            await using var server = await _directory.Start();
            Assert.True(server.Started);
            Assert.NotEqual(pid, _directory.Postmaster);
        }
        Assert.Equal(1, await Query<int>(otherServer.ConnectionString, "select 1"));
    }

    [Fact]
    public async Task A_lock_that_cannot_be_had_is_an_error_and_not_an_endless_wait()
    {
        Directory.CreateDirectory(Path.Combine(_directory.Path, "lock"));
        var error = await Assert.ThrowsAsync<PostgresStartException>(() => _directory.Start());
        Assert.Contains(_directory.Path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_in_the_terminal_does_not_reach_the_server()
    {
        await using var server = await _directory.Start();
        Assert.NotEqual(ProcessGroup(0), ProcessGroup(_directory.Postmaster!.Value));
    }

    [DllImport("libc", EntryPoint = "getpgid")]
    private static extern int ProcessGroup(int pid);
}
