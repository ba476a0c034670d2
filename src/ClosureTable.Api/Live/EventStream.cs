using System.IO.Pipelines;
using System.Reflection;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace ClosureTable.Api.Live;

/// <summary>One client that watches a thread or a topic.</summary>
/// <param name="commentId">The comment at which a thread's stream was opened; 0 for a topic's.</param>
internal sealed class EventStream(EventStreams streams, string client, long commentId, TimeSpan retry, int backlogLimit)
    : IResult, IEndpointMetadataProvider
{
    // Ten thousand of these stand idle: a list that is there only while something waits, and not a channel, is 1 KB less for each.
    private readonly Lock gate = new();
    private List<IReadOnlyList<EventFrame>>? waiting;
    private TaskCompletionSource? reader;
    private long backlog;
    private bool ended;
    private HttpContext? context;

    public string Client => client;

    public long CommentId => commentId;

    /// <summary>The thread that is watched; 0 for a topic's stream.</summary>
    public long RootId { get; init; }

    /// <summary>The topic that is watched; null for a thread's stream.</summary>
    public string? Topic { get; init; }

    /// <summary>Whether it takes what happens from now on; one that only tells what happened before ends with that.</summary>
    public bool Live { get; init; } = true;

    /// <summary>What happened before the stream was joined, in batches.</summary>
    public required Func<EventStream, CancellationToken, IAsyncEnumerable<IReadOnlyList<EventFrame>>>? Replay { private get; set; }

    /// <summary>
    /// Done when the tail of the log has taken the stream in, with the snapshot up to which the stream must see to itself:
    /// everything after it is brought.
    /// </summary>
    public TaskCompletionSource<string> Joined { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Brings frames. What waits is shared with the other streams of the thread, but it waits because of this client:
    /// when it is too much, the client is dropped. It knows where it stood and may come back.
    /// </summary>
    public void Offer(IReadOnlyList<EventFrame> frames)
    {
        lock (gate)
        {
            if (ended)
                return;
            // The writer takes off what it has written without the gate.
            if (Interlocked.Add(ref backlog, SizeOf(frames)) <= backlogLimit)
            {
                (waiting ??= []).Add(frames);
                reader?.TrySetResult();
                return;
            }
        }

        EndNow();
    }

    /// <summary>Ends the stream after what was brought.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            reader?.TrySetResult();
        }
    }

    /// <summary>Ends the stream, and cuts it where the client has not taken what was brought: a write to it may wait for ever.</summary>
    public void EndNow()
    {
        End();
        if (Interlocked.Read(ref backlog) > 0)
            Volatile.Read(ref context)?.Abort();
    }

    /// <summary>What waits; null at the end.</summary>
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
            // Nginx would collect the answer before it sends any of it.
            response.Headers["X-Accel-Buffering"] = "no";
            httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
            if (!HttpMethods.IsHead(httpContext.Request.Method))
                await Write(response.BodyWriter, httpContext.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The client went away, or was dropped.
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
        await WriteReplay(output, ct);
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

    private async Task WriteReplay(PipeWriter output, CancellationToken ct)
    {
        await foreach (var frames in Replay!(this, ct))
            await Send(output, frames, ct);
        // Where there was nothing to replay, the client would wait for the head of the answer until something happens.
        await output.FlushAsync(ct);
        // Nothing of it is kept while the stream stands.
        Replay = null;
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
