using System.Globalization;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Commands.Integrity;
using ClosureTable.Tests.Fixture;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>
/// Sixteen writers, while the service, PostgreSQL and both are killed again and again. <c>CRASH_ROUNDS</c> says how often;
/// the default is a short one.
/// </summary>
[Trait("Category", "Slow")]
public sealed class CrashTests(ServiceFixture shared)
{
    private const int Writers = 16;

    /// <summary>What is promised between one crash and the next.</summary>
    private const int PromisesPerRound = 100;

    private static readonly int Rounds =
        int.Parse(Environment.GetEnvironmentVariable("CRASH_ROUNDS") is { Length: > 0 } rounds ? rounds : "3", CultureInfo.InvariantCulture);

    [Fact]
    public async Task After_any_kill_all_that_was_acknowledged_is_there_and_nothing_twice() =>
        Assert.Empty(await Survive(Rounds));

    /// <summary>The same test on a server that acknowledges a commit before it is written. It must find what is lost, or it would find nothing.</summary>
    [Fact]
    public async Task A_server_that_acknowledges_too_early_is_found_out() =>
        Assert.NotEmpty(await Survive(rounds: 1, tooEarly: true));

    private async Task<List<string>> Survive(int rounds, bool tooEarly = false)
    {
        await using var postgres = new OwnPostgres(shared);
        if (tooEarly)
        {
            postgres.Settings["synchronous_commit"] = "off";
            // Room for all of them in the server's own memory.
            postgres.Settings["wal_buffers"] = "16MB";
        }

        await postgres.InitializeAsync();
        var service = await ServiceProcess.Start(postgres.ConnectionString, ("RateLimits__Enabled", "false"));
        try
        {
            var users = await postgres.Users(Writers);
            using var storm = new Storm(() => service.Client.BaseAddress!, seed: 1, insist: true);
            await storm.Begin(users[0], threads: 4);
            // What the writers stand on is not what is tried.
            await postgres.Execute("checkpoint;");
            if (tooEarly)
                await postgres.PauseLogWriter();

            using var stop = new CancellationTokenSource();
            var writing = storm.Run(users, _ => !stop.IsCancellationRequested);
            for (var round = 0; round < rounds; round++)
            {
                var before = storm.Acknowledged;
                await Wait.Until(() => storm.Acknowledged >= before + PromisesPerRound || writing.IsFaulted);
                var (ofService, ofPostgres) = (round % 3 != 0, round % 3 != 1);
                if (ofPostgres)
                    await postgres.Kill();
                if (ofService)
                    await service.Kill();
                if (ofPostgres)
                    await postgres.Start();
                if (ofService)
                {
                    var killed = service;
                    service = await ServiceProcess.Start(postgres.ConnectionString, ("RateLimits__Enabled", "false"));
                    await killed.DisposeAsync();
                }
            }

            await stop.CancelAsync();
            await writing;
            await using var connection = await postgres.Session();
            var broken = await storm.Broken(connection);
            await using var source = NpgsqlDataSource.Create(postgres.ConnectionString);
            await new Verification(source).Run(null, violation => broken.Add(violation.ToString()), null, TestContext.Current.CancellationToken);
            TestContext.Current.TestOutputHelper?.WriteLine($"{storm.Acknowledged} acknowledged, {rounds} crashes, {broken.Count} broken");
            return broken;
        }
        finally
        {
            await service.DisposeAsync();
        }
    }
}
