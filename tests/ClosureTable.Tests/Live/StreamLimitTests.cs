using System.Net;
using System.Net.Sockets;
using System.Text;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Live;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Live;

/// <summary>What streams may cost.</summary>
public sealed class StreamLimitTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_client_that_takes_nothing_is_dropped_and_the_others_hear_on()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Live:BacklogBytes", "100000"));
        var client = instance.CreateClient();
        var ann = client.With((await fixture.NewUser()).Token);
        var root = await ann.Begin();
        var path = $"/comments/{root.Id()}/events";
        var streams = instance.Services.GetRequiredService<EventStreams>();

        // A socket with little room, from which only the head of the answer is read.
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 1024 };
        await socket.ConnectAsync(client.BaseAddress!.Host, client.BaseAddress.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"), TestContext.Current.CancellationToken);
        var head = new byte[64];
        Assert.StartsWith("HTTP/1.1 200 OK", Encoding.ASCII.GetString(head, 0, await socket.ReceiveAsync(head, TestContext.Current.CancellationToken)), StringComparison.Ordinal);
        await using var healthy = await Watcher.Watch(client, path);
        Assert.Equal(2, streams.Count);

        for (var written = 1; streams.Count == 2; written++)
        {
            await (await ann.Patch($"/comments/{root.Id()}", new { content = $"{written} {new string('x', 9_000)}" })).Json();
            // Waited for, because a healthy client that this machine starves would be as slow as the other.
            Assert.Equal(written + 1, (await healthy.Next()).Version);
            // The sockets' own buffers take some megabytes at most.
            Assert.InRange(written, 1, 5000);
        }
    }

    [Fact]
    public async Task What_a_client_has_taken_is_off_its_backlog_however_writing_and_bringing_meet()
    {
        var frame = new EventFrame(0, null, new byte[1000]);
        var body = new Counting();
        var context = new DefaultHttpContext { Response = { Body = body } };
        var stream = new EventStream(fixture.Services.GetRequiredService<EventStreams>(), "", 0, TimeSpan.Zero, backlogLimit: 200_000)
        {
            Topic = "counted",
            Replay = (_, _) => AsyncEnumerable.Empty<IReadOnlyList<EventFrame>>(),
        };
        var writing = Task.Run(() => stream.ExecuteAsync(context), TestContext.Current.CancellationToken);
        // Some hundred wait at most, so that both go on side by side. Anything that is not taken off adds up, and two hundred are too many.
        IReadOnlyList<EventFrame> frames = [frame];
        for (var brought = 1; brought <= 100_000 && !writing.IsCompleted; brought++)
        {
            stream.Offer(frames);
            while (!writing.IsCompleted && body.Bytes < (brought - 100) * 1000L)
                Thread.Yield();
        }

        Assert.False(writing.IsCompleted, "It was dropped.");
        stream.End();
        await writing;
    }

    private sealed class Counting : MemoryStream
    {
        private long bytes;

        public long Bytes => Interlocked.Read(ref bytes);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Interlocked.Add(ref bytes, buffer.Length);
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public async Task A_client_with_too_many_streams_is_429_until_one_of_them_ends()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Live:MaxStreamsPerClient", "2"));
        var client = instance.CreateClient();
        var root = await (await fixture.SignedIn()).Begin();
        var path = $"/comments/{root.Id()}/events";
        await using var first = await Watcher.Watch(client, path);
        var second = await Watcher.Watch(client, "/topics/events?topic=a");
        using var refused = await Watcher.Send(client, path);
        await refused.Problem(HttpStatusCode.TooManyRequests, "too_many_streams");
        Assert.NotNull(refused.Headers.RetryAfter);

        await second.DisposeAsync();
        await Wait.Until(() => instance.Services.GetRequiredService<EventStreams>().Count == 1);
        await using var third = await Watcher.Watch(client, path);
        Assert.Equal(HttpStatusCode.OK, third.Response.StatusCode);
    }

    [Fact]
    public async Task An_instance_that_is_full_is_503()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Live:MaxStreams", "1"));
        var client = instance.CreateClient();
        await using var first = await Watcher.Watch(client, "/topics/events?topic=a");
        using var refused = await Watcher.Send(client, "/topics/events?topic=a");
        await refused.Problem(HttpStatusCode.ServiceUnavailable, "streams_full");
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    [Fact]
    public async Task A_stream_on_which_nothing_happens_is_kept_alive_by_comments()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Live:Heartbeat", "00:00:01"));
        using var answer = await Watcher.Send(instance.CreateClient(), "/topics/events?topic=quiet");
        using var lines = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(TimeSpan.FromMinutes(1));
        for (var beats = 0; beats < 2;)
        {
            var line = await lines.ReadLineAsync(deadline.Token);
            Assert.NotNull(line);
            if (line == ":")
                beats++;
        }
    }

    [Fact]
    public async Task Settings_out_of_range_stop_the_start_and_name_their_variables()
    {
        (string Variable, string? Value)[] wrong =
        [
            ("Live__Heartbeat", "00:00:00"),
            ("Live__PollInterval", "1.00:00:00"),
            ("Live__Retry", "-00:00:01"),
            ("Live__Retention", "00:59:59"),
            ("Live__ReplayLimit", "0"),
            ("Live__BacklogBytes", "1"),
            ("Live__MaxStreams", "0"),
            ("Live__MaxStreamsPerClient", "-1"),
        ];
        var (exitCode, _, error) = await Cli.Run(
            fixture.ConnectionString, ["serve", "--urls", "http://127.0.0.1:0"], [("Authentication__SigningKey", ServiceFixture.SigningKey), .. wrong]);
        Assert.Equal(1, exitCode);
        Assert.All(wrong, setting => Assert.Contains(setting.Variable, error, StringComparison.Ordinal));
    }
}
