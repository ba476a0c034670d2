using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>
/// The database away, slow, full, read-only, out of connections, locked, restarted: the client is told to come back, nothing
/// that was acknowledged is lost, and the service goes on as soon as the database does.
/// </summary>
[Trait("Category", "Slow")]
public sealed class DatabaseFaultTests(OwnPostgres postgres) : IClassFixture<OwnPostgres>
{
    [Theory]
    [InlineData(Cut.BeforeCommit, false)]
    [InlineData(Cut.AfterCommit, true)]
    public async Task An_unanswered_commit_is_reported_as_such_and_settled_by_the_idempotency_key(Cut cut, bool kept)
    {
        await using var wire = new Wire(postgres.ConnectionString);
        await using var service = postgres.Service(host => host.UseSetting("ConnectionStrings:Comments", wire.ConnectionString));
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        var content = $"sent once {Guid.NewGuid():n}";

        wire.CutNextCommit(cut);
        using var unknown = await Send();
        await Unavailable(unknown, "outcome_unknown");
        Assert.Equal(kept ? 1 : 0, await Kept());

        using var again = await Send();
        await again.Json(HttpStatusCode.Created);
        Assert.Equal(kept, again.Headers.Contains("Idempotent-Replayed"));
        Assert.Equal(1, await Kept());

        Task<int> Kept() => postgres.Query<int>("select count(*)::int from comments_comments where content = @content", new { content });

        async Task<HttpResponseMessage> Send()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/comments")
            {
                Content = JsonContent.Create(new { content, parent_id = root.Id() }),
                Headers = { { "Idempotency-Key", content } },
            };
            return await ann.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task A_statement_that_takes_too_long_is_504_and_keeps_nothing()
    {
        await using var service = postgres.Service(host => host.UseSetting("Database:StatementTimeout", "00:00:02"));
        using var ann = await postgres.SignedIn(service);
        await OnInsertOf("slow", "perform pg_sleep(60);");
        using var answer = await ann.Post("/comments", new { content = "slow" });
        await answer.Problem(HttpStatusCode.GatewayTimeout, "database_timeout");
        Assert.Equal(0, await postgres.Query<int>("select count(*)::int from comments_comments where content = 'slow'"));
        await ann.Begin();
    }

    [Fact]
    public async Task A_thread_that_stays_locked_is_503_and_the_others_go_on()
    {
        await using var service = postgres.Service(host => host.UseSetting("Database:LockTimeout", "00:00:00.5"));
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        await using (var session = await postgres.Session())
        {
            await using var transaction = await session.BeginTransactionAsync(TestContext.Current.CancellationToken);
            await session.ExecuteAsync("select from comments_threads where root_id = @id for update", new { id = root.Id() });
            using var answer = await ann.Patch($"/comments/{root.Id()}", new { content = "edited" });
            await Unavailable(answer, "contended");
            await ann.Begin();
            Assert.Equal("a root", (await ann.Read($"/comments/{root.Id()}")).Text("content"));
        }

        await (await ann.Patch($"/comments/{root.Id()}", new { content = "edited" })).Json();
    }

    [Fact]
    public async Task A_transaction_that_loses_to_another_is_run_again_a_few_times()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        await postgres.Execute("create sequence attempts");
        await OnInsertOf("loses twice", "if nextval('attempts') < 3 then raise exception 'lost' using errcode = 'serialization_failure'; end if;");
        await ann.Begin("loses twice");
        Assert.Equal(3, await postgres.Query<int>("select last_value::int from attempts"));

        await postgres.Execute("alter sequence attempts restart");
        await OnInsertOf("always loses", "perform nextval('attempts'); raise exception 'lost' using errcode = 'deadlock_detected';");
        using var answer = await ann.Post("/comments", new { content = "always loses" });
        await Unavailable(answer, "contended");
        Assert.Equal(4, await postgres.Query<int>("select last_value::int from attempts"));
    }

    [Fact]
    public async Task A_write_does_not_notice_that_the_connections_of_the_pool_died()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        for (var i = 0; i < 3; i++)
        {
            await postgres.EndSessions();
            await ann.Reply(root.Id());
        }
    }

    /// <summary>The pool is full, and after the restart every connection in it is dead.</summary>
    [Fact]
    public async Task No_read_notices_that_the_database_was_restarted()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        var topic = Conversation.NewTopic();
        var path = $"/comments/{(await ann.Begin("a root", topic)).Id()}";
        string[] reads =
        [
            path, $"{path}?depth=1", $"{path}/children", $"{path}/ancestors", $"{path}/revisions", $"/comments?topic={topic}",
            $"/topics/counts?topic={topic}", "/comments/search?q=root", $"/topics/feed?topic={topic}", "/users/me", "/health/ready",
        ];
        var source = service.Services.GetRequiredService<NpgsqlDataSource>();
        foreach (var read in reads)
        {
            var full = await Task.WhenAll(Enumerable.Range(0, new NpgsqlConnectionStringBuilder(source.ConnectionString).MaxPoolSize)
                .Select(_ => source.OpenConnectionAsync(TestContext.Current.CancellationToken).AsTask()));
            foreach (var connection in full)
                await connection.DisposeAsync();
            await postgres.EndSessions();
            Assert.Equal((read, HttpStatusCode.OK), (read, (await ann.Get(read)).StatusCode));
        }

        await postgres.Kill();
        await postgres.Start();
        var answers = await Task.WhenAll(reads.Select(read => ann.Get(read)));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
    }

    [Fact]
    public async Task A_database_that_is_read_only_answers_reads_and_takes_writes_again_when_it_can()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        await ReadOnly("on");
        try
        {
            await Wait.Until(async () => (await ann.Post("/comments", new { content = "refused?" })).StatusCode != HttpStatusCode.Created);
            using var answer = await ann.Post("/comments", new { content = "refused" });
            await Unavailable(answer, "read_only");
            Assert.Equal(root.Id(), (await ann.Read($"/comments/{root.Id()}")).Id());
        }
        finally
        {
            await ReadOnly("off");
        }

        await Wait.Until(async () => (await ann.Post("/comments", new { content = "again" })).StatusCode == HttpStatusCode.Created);

        async Task ReadOnly(string value)
        {
            await postgres.Execute($"alter system set default_transaction_read_only = {value}");
            await postgres.Execute("select pg_reload_conf()");
        }
    }

    /// <summary>The file of a table is, for a while, the device on which every write fails for want of space (of Linux, as the kill above).</summary>
    [Fact]
    public async Task A_full_disk_is_503_for_what_needs_space_and_reads_go_on()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        await postgres.Execute("truncate comments_revisions");
        var file = Path.Combine(postgres.Data, await postgres.Query<string>("select pg_relation_filepath('comments_revisions')"));
        // A checkpoint, so that nothing of the file waits to be written; new sessions, so that no process has it open.
        await postgres.Execute("checkpoint;");
        File.Move(file, file + ".away");
        File.CreateSymbolicLink(file, "/dev/full");
        await postgres.EndSessions();
        using (var answer = await ann.Patch($"/comments/{root.Id()}", new { content = "edited" }))
            await Unavailable(answer, "read_only");
        Assert.Equal("a root", (await ann.Read($"/comments/{root.Id()}")).Text("content"));

        File.Delete(file);
        File.Move(file + ".away", file);
        await postgres.EndSessions();
        await (await ann.Patch($"/comments/{root.Id()}", new { content = "edited" })).Json();
        Assert.Equal(1, (await ann.Read($"/comments/{root.Id()}/revisions")).GetProperty("revisions").GetArrayLength());
    }

    [Fact]
    public async Task A_database_without_a_free_connection_is_503_until_there_is_one()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        await ann.Begin();
        var taken = new List<NpgsqlConnection>();
        try
        {
            // Once for what is free, and once more for what the service had.
            for (var round = 0; round < 2; round++)
            {
                if (round > 0)
                    await taken[0].ExecuteAsync("select pg_terminate_backend(pid, 10000) from pg_stat_activity where backend_type = 'client backend' and application_name <> 'test'");
                await Assert.ThrowsAsync<PostgresException>(async () =>
                {
                    while (true)
                        taken.Add(await postgres.Session());
                });
            }

            using var answer = await ann.Post("/comments", new { content = "refused" });
            await Unavailable(answer, "database_unavailable");
        }
        finally
        {
            foreach (var session in taken)
                await session.DisposeAsync();
        }

        await Wait.Until(async () => (await ann.Post("/comments", new { content = "again" })).StatusCode == HttpStatusCode.Created);
    }

    [Fact]
    public async Task A_database_that_died_is_503_and_not_ready_until_it_is_back()
    {
        await using var service = postgres.Service();
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        var path = $"/comments/{root.Id()}";
        await postgres.Kill();
        try
        {
            HttpResponseMessage[] answers =
            [
                await ann.Get(path), await ann.Get("/comments"), await ann.Get("/comments/search?q=root"), await ann.Get($"{path}/events"),
                await ann.Post("/comments", new { content = "refused", parent_id = root.Id() }), await ann.Patch(path, new { content = "refused" }),
                await ann.Put($"{path}/like"), await ann.Delete(path),
            ];
            foreach (var answer in answers)
                await Unavailable(answer, "database_unavailable");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await ann.Get("/health/ready")).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await ann.Get("/health/live")).StatusCode);
        }
        finally
        {
            await postgres.Start();
        }

        await Wait.Until(async () => (await ann.Get("/health/ready")).IsSuccessStatusCode);
        Assert.Equal("a root", (await ann.Read(path)).Text("content"));
        await ann.Reply(root.Id());
    }

    [Fact]
    public async Task A_network_that_falls_silent_is_503_after_the_timeouts_and_the_service_recovers()
    {
        await using var wire = new Wire(postgres.ConnectionString);
        await using var service = postgres.Service(host => host.UseSetting(
            "ConnectionStrings:Comments", $"{wire.ConnectionString};Timeout=3;Command Timeout=3;Cancellation Timeout=500"));
        using var ann = await postgres.SignedIn(service);
        var root = await ann.Begin();
        wire.FallSilent();
        foreach (var answer in await Task.WhenAll(ann.Get($"/comments/{root.Id()}"), ann.Post("/comments", new { content = "unheard" })))
            await Unavailable(answer, "database_unavailable");
        wire.Speak();
        await Wait.Until(async () => (await ann.Get($"/comments/{root.Id()}")).IsSuccessStatusCode);
        await ann.Reply(root.Id());
    }

    [Fact]
    public async Task Every_session_of_requests_has_timeouts_and_the_connection_string_has_the_last_word()
    {
        await using var service = postgres.Service(host => host
            .UseSetting("Database:StatementTimeout", "00:00:07")
            .UseSetting("ConnectionStrings:Comments", postgres.ConnectionString + ";Options=-c lock_timeout=1234"));
        await using var connection = await service.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(TestContext.Current.CancellationToken);
        Assert.Equal("7s 1234ms 30s", await connection.ExecuteScalarAsync<string>(
            "select concat_ws(' ', current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('idle_in_transaction_session_timeout'))"));
        Assert.Equal(12, connection.CommandTimeout);
    }

    /// <summary>Makes the database do something when a comment with this content is inserted.</summary>
    private Task OnInsertOf(string content, string action) => postgres.Execute($"""
        create or replace function fault() returns trigger language plpgsql as $$ begin {action} return new; end $$;
        drop trigger if exists fault on comments_comments;
        create trigger fault before insert on comments_comments for each row when (new.content = '{content}') execute function fault();
        """);

    private static async Task Unavailable(HttpResponseMessage answer, string code)
    {
        await answer.Problem(HttpStatusCode.ServiceUnavailable, code);
        Assert.Equal(new RetryConditionHeaderValue(TimeSpan.FromSeconds(1)), answer.Headers.RetryAfter);
    }
}
