using System.IO.Pipelines;
using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace ClosureTable.Api.Live;

/// <summary>A client that watches a thread or a topic.</summary>
/// <param name="commentId">The comment at which a thread's stream was opened; 0 for a topic's.</param>
internal sealed class EventStream(EventStreams streams, string client, long commentId, TimeSpan retry, int backlogLimit)
    : IResult, IEndpointMetadataProvider
{
    // A list that exists only while frames wait takes 1 KB less per idle stream than a channel.
    private readonly Lock gate = new();
    private List<IReadOnlyList<EventFrame>>? waiting;
    private TaskCompletionSource? reader;
    private long backlog;
    private bool ended;
    private HttpContext? context;

    public string Client => client;

    public long CommentId => commentId;

    /// <summary>The watched thread; 0 for a topic's stream.</summary>
    public long RootId { get; init; }

    /// <summary>The watched topic; null for a thread's stream.</summary>
    public string? Topic { get; init; }

    /// <summary>The thread or the topic, as a key.</summary>
    public (long RootId, string? Topic) Watched => (RootId, Topic);

    /// <summary>Whether it receives new events; if not, it ends after the replay.</summary>
    public bool Live { get; init; } = true;

    /// <summary>The events before the stream was joined, in batches.</summary>
    public required Func<EventStream, CancellationToken, IAsyncEnumerable<IReadOnlyList<EventFrame>>>? Replay { private get; set; }

    /// <summary>Completed when <see cref="EventDispatcher"/> has admitted the stream, with the snapshot up to which the stream must replay.</summary>
    public TaskCompletionSource<string> Joined { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Delivers frames. If too many bytes wait, the client is disconnected; it can resume from its last id.</summary>
    public void Offer(IReadOnlyList<EventFrame> frames)
    {
        lock (gate)
        {
            if (ended)
                return;
            // The writer subtracts what it has written without taking the lock.
            if (Interlocked.Add(ref backlog, SizeOf(frames)) <= backlogLimit)
            {
                (waiting ??= []).Add(frames);
                reader?.TrySetResult();
                return;
            }
        }

        EndNow();
    }

    /// <summary>Ends the stream after the delivered frames.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            reader?.TrySetResult();
        }
    }

    /// <summary>Ends the stream, and aborts the connection if frames are waiting: a write to it might never complete.</summary>
    public void EndNow()
    {
        End();
        if (Interlocked.Read(ref backlog) > 0)
            Volatile.Read(ref context)?.Abort();
    }

    /// <summary>The waiting frames; null at the end.</summary>
    private async ValueTask<List<IReadOnlyList<EventFrame>>?> Take()
    {
        while (true)
        {
            Task brought;
            lock (gate)
            {
                if (waiting is { } taken)
                {
                    waiting = null;
                    return taken;
                }

                if (ended)
                    return null;
                reader = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                brought = reader.Task;
            }

            await brought;
        }
    }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        try
        {
            Volatile.Write(ref context, httpContext);
            var response = httpContext.Response;
            response.ContentType = "text/event-stream";
            response.Headers.CacheControl = "no-cache";
            // Otherwise nginx would buffer the response.
            response.Headers["X-Accel-Buffering"] = "no";
            httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            if (!HttpMethods.IsHead(httpContext.Request.Method))
                await Write(response.BodyWriter, httpContext.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client disconnected, or was disconnected.
        }
        finally
        {
            Volatile.Write(ref context, null);
            streams.Leave(this);
        }
    }

    private async Task Write(PipeWriter output, CancellationToken ct)
    {
        Encoding.ASCII.GetBytes(FormattableString.Invariant($"retry: {(long)retry.TotalMilliseconds}\n"), output);
        await foreach (var frames in Replay!(this, ct))
            await Send(output, frames, ct);
        // Without a replay, the response headers would not be sent until the first event.
        await output.FlushAsync(ct);
        // Frees the replay's memory while the stream is open.
        Replay = null;
        if (!Live)
            return;
        await using var aborted = ct.UnsafeRegister(static stream => ((EventStream)stream!).End(), this);
        while (await Take() is { } batches)
        {
            foreach (var frames in batches)
            {
                await Send(output, frames, ct);
                Interlocked.Add(ref backlog, -SizeOf(frames));
            }
        }
    }

    private async ValueTask Send(PipeWriter output, IReadOnlyList<EventFrame> frames, CancellationToken ct)
    {
        var prefix = ThreadPosition.Prefix(commentId, RootId);
        foreach (var frame in frames)
            frame.WriteTo(output, prefix);
        await output.FlushAsync(ct);
    }

    private static long SizeOf(IReadOnlyList<EventFrame> frames)
    {
        var size = 0L;
        foreach (var frame in frames)
            size += frame.Body.Length;
        return size;
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), ["text/event-stream"]));
}
