using CliWrap;
using CliWrap.Buffered;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.LocalPostgres;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Live;
using ClosureTable.Tests.LocalPostgres;
using Npgsql;

namespace ClosureTable.Tests.Operations;

/// <summary>The two scripts of deploy/, from a server that others write to meanwhile to a fresh one. From a database of its own: others damage theirs on purpose.</summary>
[Trait("Category", "Slow")]
public sealed class BackupTests(OwnServiceFixture fixture) : IClassFixture<OwnServiceFixture>
{
    [Fact]
    public async Task A_backup_of_the_live_database_is_restored_on_a_fresh_server_verified_and_served()
    {
        var ct = TestContext.Current.CancellationToken;
        var (ann, _, token) = await fixture.NewUser("Ann");
        var client = fixture.Client().With(token);
        var topic = Conversation.NewTopic();
        var root = (await client.Begin("kept words", topic)).Id();
        var reply = (await client.Reply(root)).Id();
        await (await client.Put($"/comments/{root}/like")).Json();
        var before = await fixture.Client().Read($"/comments/{root}");

        using var directory = new TemporaryDirectory();
        var file = Path.Combine(Path.GetTempPath(), $"closuretable-{Guid.NewGuid():n}.dump");
        try
        {
            await Script("backup.sh", fixture.ConnectionString, file);
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            // After the backup: not in it.
            await client.Reply(root, "too late");
            string position;
            await using (var watcher = await Watcher.Watch(fixture.Client(), $"/topics/events?topic={topic}"))
                position = watcher.LastEventId;

            await using var server = await directory.Start();
            var told = await Script("restore.sh", server.ConnectionString, file, "dotnet", typeof(Program).Assembly.Location);
            Assert.DoesNotContain("pending", told, StringComparison.Ordinal);

            await using var service = await ServiceProcess.Start(server.ConnectionString);
            var restored = await service.Client.Read($"/comments/{root}");
            Assert.Equal(before.ToString(), restored.ToString());
            // Clients of the thread resume from their position, and tokens stay valid.
            using var watch = new HttpRequestMessage(HttpMethod.Get, $"/comments/{root}/events") { Headers = { { "Last-Event-ID", "1" } } };
            using var stream = await service.Client.SendAsync(watch, HttpCompletionOption.ResponseHeadersRead, ct);
            using var lines = new StreamReader(await stream.Content.ReadAsStreamAsync(ct));
            string? line;
            do
                line = await lines.ReadLineAsync(ct);
            while (line is not null && !line.StartsWith("data:", StringComparison.Ordinal));
            Assert.Contains($"\"comment_id\":{reply}", line, StringComparison.Ordinal);
            // The positions of the topic's clients mean nothing in this server's transactions.
            await using (var watcher = await Watcher.Watch(service.Client, $"/topics/events?topic={topic}", position))
                Assert.Equal("reset", (await watcher.Next()).Kind);
            // And it is noticed once: from now on positions are this server's.
            await using (var watcher = await Watcher.Watch(service.Client, $"/topics/events?topic={topic}"))
                position = watcher.LastEventId;
            service.Client.With(token);
            Assert.Equal(ann, (await service.Client.Read("/users/me")).Id());
            await service.Client.Reply(reply, "and it goes on");
            await using var again = await ServiceProcess.Start(server.ConnectionString);
            await using (var watcher = await Watcher.Watch(again.Client, $"/topics/events?topic={topic}", position))
                Assert.Equal("and it goes on", (await watcher.Next()).Comment.Text("content"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_file_that_is_no_backup_restores_nothing_and_says_so()
    {
        await using var database = await fixture.NewDatabase();
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, "not a backup", TestContext.Current.CancellationToken);
        var failed = await Assert.ThrowsAsync<InvalidOperationException>(() => Script("restore.sh", database.ConnectionString, file, "false"));
        Assert.Contains("pg_restore", failed.Message, StringComparison.Ordinal);
        File.Delete(file);
    }

    private static async Task<string> Script(string name, string connectionString, params string[] args)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString);
        var programs = await PostgresBinaries.Find(new LocalPostgresOptions(), dataVersion: null, TestContext.Current.CancellationToken);
        var result = await CliWrap.Cli.Wrap("bash").WithArguments([Repository.Path($"deploy/{name}"), .. args]).WithValidation(CommandResultValidation.None)
            .WithEnvironmentVariables(new Dictionary<string, string?>
            {
                ["PATH"] = $"{programs.Directory}:{Environment.GetEnvironmentVariable("PATH")}",
                ["PGHOST"] = database.Host,
                ["PGPORT"] = $"{database.Port}",
                ["PGUSER"] = database.Username,
                ["PGPASSWORD"] = database.Password,
                ["PGDATABASE"] = database.Database,
                ["ConnectionStrings__Comments"] = connectionString,
            })
            .ExecuteBufferedAsync(TestContext.Current.CancellationToken);
        return result.ExitCode == 0 ? result.StandardOutput : throw new InvalidOperationException($"{name} failed: {result.StandardOutput}{result.StandardError}");
    }
}
