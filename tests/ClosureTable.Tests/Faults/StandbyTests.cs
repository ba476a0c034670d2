using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Live;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>A primary and a standby that streams from it: who reads where, and what a failover costs.</summary>
[Trait("Category", "Slow")]
public sealed class StandbyTests(ServiceFixture shared) : IAsyncLifetime
{
    private readonly OwnPostgres primary = new(shared);
    private OwnPostgres standby = null!;

    public async ValueTask InitializeAsync()
    {
        await primary.InitializeAsync();
        // The schema first: what the standby begins with has it.
        await primary.Service().DisposeAsync();
        standby = await primary.Standby();
    }

    [Fact]
    public async Task Reads_go_to_the_standby_and_writers_see_their_own_writes()
    {
        await using var service = Service();
        var ann = await primary.SignedIn(service);
        var topic = Conversation.NewTopic();
        await ann.Begin("before", topic);
        await Wait.Until(async () => await Shown(seen: null) == 1);

        await standby.Execute("select pg_wal_replay_pause()");
        using var begun = await ann.Post("/comments", new { content = "after", topic });
        await begun.Json(HttpStatusCode.Created);
        var seen = Assert.Single(begun.Headers.GetValues("ClosureTable-Seen"));
        Assert.Equal(1, await Shown(seen: null));
        Assert.Equal(2, await Shown(seen));
        // An unknown position leads to the primary; an invalid one is ignored.
        Assert.Equal(2, await Shown("FFFFFFFF/FFFFFFFF"));
        Assert.Equal(1, await Shown("everything"));

        await standby.Execute("select pg_wal_replay_resume()");
        await Wait.Until(async () => await Shown(seen: null) == 2);

        async Task<int> Shown(string? seen)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/comments?topic={Uri.EscapeDataString(topic)}");
            if (seen is not null)
                request.Headers.Add("ClosureTable-Seen", seen);
            using var answer = await ann.SendAsync(request, TestContext.Current.CancellationToken);
            return (await answer.Json()).Comments().Count;
        }
    }

    /// <summary>A thread that is kept rendered is proved current by the primary, however far behind the standby is.</summary>
    [Fact]
    public async Task A_rendered_thread_that_is_kept_is_never_shown_after_a_write_though_the_standby_lags()
    {
        await using var service = Service();
        var (ann, reader) = (await primary.SignedIn(service), service.CreateClient());
        var root = await ann.Begin();
        var path = $"/comments/{root.Id()}";
        await Wait.Until(async () => (await reader.Get(path)).IsSuccessStatusCode);
        await reader.Read(path);

        await standby.Execute("select pg_wal_replay_pause()");
        using var edited = await ann.Patch(path, new { content = "edited" });
        await edited.Json();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("ClosureTable-Seen", edited.Headers.GetValues("ClosureTable-Seen"));
        Assert.Equal("edited", (await (await reader.SendAsync(request, TestContext.Current.CancellationToken)).Json()).Text("content"));
        await standby.Execute("select pg_wal_replay_resume()");
        await Wait.Until(async () => (await reader.Read(path)).Text("content") == "edited");
    }

    [Fact]
    public async Task With_a_synchronous_standby_a_failover_loses_nothing_and_the_service_goes_on_at_the_new_primary()
    {
        await Synchronous();
        await using var service = Service();
        var users = await primary.Users(4);
        using var ann = service.CreateClient().With(users[0].Token);
        using var storm = new Storm(() => ann.BaseAddress!, seed: 1, insist: true);
        await storm.Begin(users[0], threads: 2);

        using var stop = new CancellationTokenSource();
        var writing = storm.Run(users, _ => !stop.IsCancellationRequested);
        await Wait.Until(() => storm.Acknowledged >= 50 || writing.IsFaulted);
        await primary.Kill();
        await standby.Execute("select pg_promote()");
        var before = storm.Acknowledged;
        await Wait.Until(() => storm.Acknowledged >= before + 20 || writing.IsFaulted);
        await stop.CancelAsync();
        await writing;
        await using var session = await standby.Session();
        Assert.Empty(await storm.Broken(session));
        Assert.Equal(HttpStatusCode.OK, (await ann.Get("/health/ready")).StatusCode);
    }

    /// <summary>PostgreSQL commits alone when it is told to wait no longer, and says so with a warning: a failover now would lose it.</summary>
    [Fact]
    public async Task What_the_synchronous_standby_did_not_confirm_is_not_acknowledged()
    {
        await using var service = Service(";Command Timeout=3");
        using var ann = await primary.SignedIn(service);
        await ann.Begin();
        await Synchronous();
        await standby.Kill();

        using (var unknown = await Send())
            await unknown.Problem(HttpStatusCode.ServiceUnavailable, "outcome_unknown");
        // It is there, on one server; the answer that was kept for it must not be replayed yet either.
        Assert.Equal(1, await primary.Query<int>("select count(*)::int from comments_comments where content = 'unconfirmed'"));
        using (var unknown = await Send())
            await unknown.Problem(HttpStatusCode.ServiceUnavailable, "outcome_unknown");

        await standby.Start();
        JsonElement kept = default;
        await Wait.Until(async () =>
        {
            using var answer = await Send();
            if (answer.StatusCode == HttpStatusCode.Created)
                kept = await answer.Json(HttpStatusCode.Created);
            return answer.StatusCode == HttpStatusCode.Created;
        });
        Assert.Equal(kept.Id(), await standby.Query<long>("select max(id) from comments_comments where content = 'unconfirmed'"));

        async Task<HttpResponseMessage> Send()
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/comments") { Content = JsonContent.Create(new { content = "unconfirmed" }) };
            request.Headers.Add("Idempotency-Key", "unconfirmed");
            return await ann.SendAsync(request, TestContext.Current.CancellationToken);
        }
    }

    private WebApplicationFactory<Program> Service(string settings = "")
    {
        var both = new NpgsqlConnectionStringBuilder(primary.ConnectionString);
        both.Host += "," + new NpgsqlConnectionStringBuilder(standby.ConnectionString).Host;
        return primary.Service(host => host.UseSetting("ConnectionStrings:Comments", both.ConnectionString + settings));
    }

    private async Task Synchronous()
    {
        await primary.Execute("alter system set synchronous_standby_names = '*'");
        // Replayed there before a commit is acknowledged, and not only written, so that a test can look.
        await primary.Execute("alter system set synchronous_commit = remote_apply");
        await primary.Execute("select pg_reload_conf()");
        await Wait.Until(() => primary.Query<bool>("select exists (select from pg_stat_replication where sync_state = 'sync')"));
    }

    public async ValueTask DisposeAsync()
    {
        await primary.DisposeAsync();
        if (standby is not null)
            await standby.DisposeAsync();
    }
}
