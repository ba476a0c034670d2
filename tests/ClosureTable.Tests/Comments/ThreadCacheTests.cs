using System.Diagnostics.Metrics;
using System.Net;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Search;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Comments;

public sealed class ThreadCacheTests(ServiceFixture fixture)
{
    [Fact]
    public async Task The_second_reader_gets_the_same_bytes_for_one_statement()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin("once rendered")).Id();
        await ann.Reply(root);
        var reader = fixture.Client();
        using var statements = new Statements();

        var (first, rendering) = await statements.Of(() => reader.GetByteArrayAsync($"/comments/{root}", TestContext.Current.CancellationToken));
        var (second, hit) = await statements.Of(() => reader.GetByteArrayAsync($"/comments/{root}", TestContext.Current.CancellationToken));

        Assert.Equal(first, second);
        Assert.Contains("comments_comments", Assert.Single(rendering), StringComparison.Ordinal);
        Assert.DoesNotContain("comments_comments", Assert.Single(hit), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_asked_for_otherwise_is_another_answer()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var (older, newer) = ((await ann.Reply(root)).Id(), (await ann.Reply(root)).Id());
        var reader = fixture.Client();
        for (var time = 0; time < 2; time++)
        {
            Assert.Equal([older, newer], (await reader.Read($"/comments/{root}")).Children().Select(child => child.Id()));
            Assert.Equal([newer, older], (await reader.Read($"/comments/{root}?sort=new")).Children().Select(child => child.Id()));
            Assert.Empty((await reader.Read($"/comments/{root}?depth=0")).Children());
            Assert.Single((await reader.Read($"/comments/{root}?limit=2")).Children());
            Assert.Empty((await reader.Read($"/comments/{older}")).Children());
        }
    }

    [Fact]
    public async Task No_caller_gets_the_likes_of_another()
    {
        var (ann, bob, guest) = (await fixture.SignedIn(), await fixture.SignedIn("bob"), fixture.Client());
        var root = (await ann.Begin()).Id();
        await ann.Put($"/comments/{root}/like");
        for (var time = 0; time < 2; time++)
        {
            Assert.True((await ann.Read($"/comments/{root}")).GetProperty("liked").GetBoolean());
            Assert.False((await bob.Read($"/comments/{root}")).GetProperty("liked").GetBoolean());
            Assert.False((await guest.Read($"/comments/{root}")).TryGetProperty("liked", out _));
        }
    }

    [Fact]
    public async Task A_comment_that_moved_or_went_is_not_shown_where_it_was()
    {
        var (ann, mod, reader) = (await fixture.SignedIn(), await fixture.Moderator(), fixture.Client());
        var (here, there) = ((await ann.Begin()).Id(), (await ann.Begin()).Id());
        var reply = (await ann.Reply(here)).Id();
        Assert.Equal(here, (await reader.Read($"/comments/{reply}")).GetProperty("root_id").GetInt64());

        await (await mod.Put($"/comments/{reply}/parent", new { parent_id = there })).Json();
        Assert.Equal(there, (await reader.Read($"/comments/{reply}")).GetProperty("root_id").GetInt64());

        await (await ann.Delete($"/comments/{reply}")).Json();
        await (await reader.Get($"/comments/{reply}")).Problem(HttpStatusCode.NotFound, "comment_not_found");

        await (await ann.Delete($"/comments/{there}")).Json();
        await (await reader.Get($"/comments/{there}")).Problem(HttpStatusCode.NotFound, "comment_not_found");
    }

    [Fact]
    public async Task No_answer_is_older_than_a_write_acknowledged_before_it_was_asked_for()
    {
        const int Threads = 3;
        const int WritersOfAThread = 2;
        const int Readers = 6;
        const int Writes = 25;
        await using var second = fixture.Instance(_ => { });
        await using var third = fixture.Instance(_ => { });
        using var count = new CacheCount(second);
        var token = (await fixture.NewUser()).Token;
        HttpClient[] instances = [fixture.Client(), second.CreateClient(), third.CreateClient()];
        HttpClient[] writing = [fixture.Client().With(token), second.CreateClient().With(token), third.CreateClient().With(token)];

        var roots = new long[Threads];
        for (var thread = 0; thread < Threads; thread++)
            roots[thread] = (await writing[0].Begin()).Id();
        // What has been acknowledged of each thread: replies.
        var acknowledged = new int[Threads];
        var writers = Task.WhenAll(Enumerable.Range(0, Threads * WritersOfAThread).Select(async writer =>
        {
            var thread = writer % Threads;
            for (var write = 0; write < Writes; write++)
            {
                await writing[(writer + write) % writing.Length].Reply(roots[thread]);
                Interlocked.Increment(ref acknowledged[thread]);
            }
        }));

        await Task.WhenAll(Enumerable.Range(0, Readers).Select(async reader =>
        {
            for (var read = reader; !writers.IsCompleted || read < 50; read++)
            {
                var thread = read % Threads;
                var before = Volatile.Read(ref acknowledged[thread]);
                var shown = (await instances[(read + reader) % instances.Length].Read($"/comments/{roots[thread]}")).Int("descendant_count");
                Assert.True(shown >= before, $"{shown} replies were shown when {before} had been acknowledged");
            }
        }));
        await writers;

        for (var thread = 0; thread < Threads; thread++)
        {
            foreach (var instance in instances)
                Assert.Equal(WritersOfAThread * Writes, (await instance.Read($"/comments/{roots[thread]}")).Int("descendant_count"));
        }

        Assert.NotEqual(0, count.Hits);
        Assert.NotEqual(0, count.Misses);
    }

    [Fact]
    public async Task The_cache_stays_within_its_bytes_and_keeps_what_is_read()
    {
        const int MaxBytes = 64 * 1024;
        await using var instance = fixture.Instance(host => host.UseSetting("Cache:MaxBytes", $"{MaxBytes}"));
        using var count = new CacheCount(instance);
        var (ann, reader) = (await fixture.SignedIn(), instance.CreateClient());
        var favourite = (await ann.Begin(new string('f', 4000))).Id();
        await reader.Read($"/comments/{favourite}");
        for (var thread = 0; thread < 60; thread++)
        {
            await reader.Read($"/comments/{(await ann.Begin(new string('x', 4000))).Id()}");
            await reader.Read($"/comments/{favourite}");
            Assert.InRange(count.Bytes, 1, MaxBytes);
        }

        // The favourite may have to be rendered again now and then, where the cache was full when it came; the others once each.
        Assert.InRange(count.Hits, 45, 60);
    }

    [Fact]
    public async Task Without_bytes_there_is_no_cache()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Cache:MaxBytes", "0"));
        using var count = new CacheCount(instance);
        var root = (await (await fixture.SignedIn()).Begin()).Id();
        var reader = instance.CreateClient();
        await reader.Read($"/comments/{root}");
        await reader.Read($"/comments/{root}");
        Assert.Equal((0, 0, 0), (count.Hits, count.Misses, count.Bytes));
    }

    /// <summary>The counters of one instance.</summary>
    private sealed class CacheCount : IDisposable
    {
        private readonly MeterListener listener = new();
        private long hits;
        private long misses;
        private long bytes;

        public CacheCount(WebApplicationFactory<Program> instance)
        {
            var meters = instance.Services.GetRequiredService<IMeterFactory>();
            instance.Services.GetRequiredService<ThreadCache>();
            listener.InstrumentPublished = (instrument, listener) =>
            {
                if (ReferenceEquals(instrument.Meter.Scope, meters) && instrument.Name.StartsWith("closuretable.cache", StringComparison.Ordinal))
                    listener.EnableMeasurementEvents(instrument);
            };
            listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
            {
                switch (instrument.Name)
                {
                    case "closuretable.cache.hits":
                        Interlocked.Add(ref hits, value);
                        break;
                    case "closuretable.cache.misses":
                        Interlocked.Add(ref misses, value);
                        break;
                    default:
                        bytes = value;
                        break;
                }
            });
            listener.Start();
        }

        public long Hits => Interlocked.Read(ref hits);

        public long Misses => Interlocked.Read(ref misses);

        public long Bytes
        {
            get
            {
                listener.RecordObservableInstruments();
                return bytes;
            }
        }

        public void Dispose() => listener.Dispose();
    }
}
