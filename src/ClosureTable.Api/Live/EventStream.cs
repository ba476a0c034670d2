using System.IO.Pipelines;
using System.Reflection;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace ClosureTable.Api.Live;

/// <summary>One client that watches a thread or a topic.</summary>
/// <param name="commentId">The comment at which a thread's stream was opened; 0 for a topic's.</param>
internal sealed class EventStream(EventStreams streams, string client, long commentId, TimeSpan retry, int backlogLimit)
    : IResult, IEndpointMetadataProvider
{
    private readonly Channel<IReadOnlyList<EventFrame>> queue =
        Channel.CreateUnbounded<IReadOnlyList<EventFrame>>(new UnboundedChannelOptions { SingleReader = true });

    private long backlog;
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
    public required Func<EventStream, CancellationToken, IAsyncEnumerable<IReadOnlyList<EventFrame>>> Replay { get; init; }

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
        if (Interlocked.Add(ref backlog, SizeOf(frames)) > backlogLimit)
            Drop();
        else
            queue.Writer.TryWrite(frames);
    }

    /// <summary>Ends the stream after what was brought.</summary>
    public void End() => queue.Writer.TryComplete();

    /// <summary>Ends the stream at once where the client takes nothing: a write to it may wait for ever.</summary>
    public void EndNow()
    {
        End();
        if (Interlocked.Read(ref backlog) > 0)
            Volatile.Read(ref context)?.Abort();
    }

    private void Drop()
    {
        End();
        Volatile.Read(ref context)?.Abort();
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
        var prefix = ThreadPosition.Prefix(commentId, RootId);
        Encoding.ASCII.GetBytes(FormattableString.Invariant($"retry: {(long)retry.TotalMilliseconds}\n"), output);
        await foreach (var frames in Replay(this, ct))
            await Send(frames);
        if (!Live)
            return;
        while (await queue.Reader.WaitToReadAsync(ct))
        {
            while (queue.Reader.TryRead(out var frames))
            {
                await Send(frames);
                Interlocked.Add(ref backlog, -SizeOf(frames));
            }
        }

        async ValueTask Send(IReadOnlyList<EventFrame> frames)
        {
            foreach (var frame in frames)
                frame.WriteTo(output, prefix);
            await output.FlushAsync(ct);
        }
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
