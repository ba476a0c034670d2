using System.Net;
using System.Net.ServerSentEvents;
using System.Text.Json;
using System.Threading.Channels;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Live;

/// <summary>An event as a client gets it.</summary>
internal sealed record Heard(string Kind, string? Id, JsonElement Data)
{
    public long Version => Data.GetProperty("version").GetInt64();

    public long Thread => Data.GetProperty("thread").GetInt64();

    public long CommentId => Data.GetProperty("comment_id").GetInt64();

    public JsonElement Comment => Data.GetProperty("comment");
}

/// <summary>A client of an event stream, which keeps the last id as a browser's EventSource does.</summary>
internal sealed class Watcher : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly HttpResponseMessage response;
    private readonly Channel<Heard> heard = Channel.CreateUnbounded<Heard>();
    private readonly CancellationTokenSource leaving = new();
    private readonly Task listening;
    private SseParser<byte[]>? parser;

    private Watcher(HttpResponseMessage response)
    {
        this.response = response;
        listening = Listen();
    }

    /// <summary>The id that a browser would send when it came back.</summary>
    public string LastEventId => parser?.LastEventId ?? "";

    public TimeSpan? ReconnectionInterval => parser?.ReconnectionInterval;

    public HttpResponseMessage Response => response;

    /// <summary>Opens a stream, and waits until the service says where it begins, so that everything that happens from now on is in it.</summary>
    public static async Task<Watcher> Watch(HttpClient client, string path, string? lastEventId = null)
    {
        var watcher = new Watcher(await Send(client, path, lastEventId));
        if (lastEventId is null)
            await Wait.Until(() => watcher.LastEventId.Length > 0 || watcher.listening.IsCompleted);
        return watcher;
    }

    /// <summary>The bare answer, for those that are refused.</summary>
    public static async Task<HttpResponseMessage> Send(HttpClient client, string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        if (response.StatusCode == HttpStatusCode.OK)
            Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return response;
    }

    /// <summary>The next event, within the deadline.</summary>
    public async Task<Heard> Next()
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        return await heard.Reader.ReadAsync(deadline.Token);
    }

    public async Task<List<Heard>> Next(int count)
    {
        var events = new List<Heard>();
        while (events.Count < count)
            events.Add(await Next());
        return events;
    }

    /// <summary>All events until the service ends the stream, within the deadline.</summary>
    public async Task<List<Heard>> Rest()
    {
        await listening.WaitAsync(Patience, TestContext.Current.CancellationToken);
        var events = new List<Heard>();
        while (heard.Reader.TryRead(out var next))
            events.Add(next);
        return events;
    }

    private async Task Listen()
    {
        try
        {
            if (response.StatusCode != HttpStatusCode.OK)
                return;
            await using var body = await response.Content.ReadAsStreamAsync(leaving.Token);
            parser = SseParser.Create(body, (_, data) => data.ToArray());
            await foreach (var item in parser.EnumerateAsync(leaving.Token))
                heard.Writer.TryWrite(new Heard(item.EventType, item.EventId, JsonSerializer.Deserialize<JsonElement>(item.Data)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or HttpRequestException)
        {
            // We left, or the service cut the connection.
        }
        finally
        {
            heard.Writer.TryComplete();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await leaving.CancelAsync();
        response.Dispose();
        await listening;
        leaving.Dispose();
    }
}
