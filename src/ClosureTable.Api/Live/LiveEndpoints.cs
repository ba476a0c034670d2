using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ClosureTable.Api.Live;

internal static class LiveEndpoints
{
    public static void AddLive(this IHostApplicationBuilder builder)
    {
        builder.AddEventServer();
        var services = builder.Services;
        services.AddOptions<LiveOptions>().BindConfiguration("Live").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ThreadNotifier>();
        services.AddSingleton<IWriteObserver>(provider => provider.GetRequiredService<ThreadNotifier>());
        services.AddSingleton<EventRepository>();
        services.AddSingleton<EventReplay>();
        services.AddSingleton<EventStreams>();
        services.AddSingleton<EventDispatcher>();
        services.AddHostedService(provider => provider.GetRequiredService<EventDispatcher>());
        services.AddHostedService<NotificationListener>();
        services.AddHostedService<Heartbeats>();
        services.AddSweep<EventPruning>();
    }

    /// <summary>What the event log adds to the migrations, also for commands that serve nothing.</summary>
    public static void AddEventServer(this IHostApplicationBuilder builder) => builder.Services.AddSingleton<ISchemaStep, EventServer>();

    public static void MapLive(this IEndpointRouteBuilder app)
    {
        app.MapGet("/comments/{id:long}/events", OfThread).WithTags("Comments")
            .WithProblems(Problem.CommentNotFound, Problem.TooManyStreams, Problem.StreamsFull)
            .WithResponseExample("text/event-stream", Example);
        app.MapGet("/topics/events", OfTopic).WithTags("Topics")
            .WithProblems(Problem.ValidationFailed, Problem.TooManyStreams, Problem.StreamsFull)
            .WithResponseExample("text/event-stream", Example);
    }

    private const string Example = """
        id: 7
        event: liked
        data: {"version":7,"kind":"liked","comment_id":42,"thread":1,"comment":{"id":42,"parent_id":7,"root_id":1,"topic":null,"depth":2,"content":"…","author":{"id":3,"name":"ann"},"created_at":"2026-11-24T07:03:33.123456Z","edited_at":null,"deleted":false,"like_count":12,"child_count":0,"descendant_count":0},"delta":1,"like_count":12}

        :

        event: reset
        data: {}


        """;

    /// <summary>Watch a thread.</summary>
    /// <remarks>
    /// Server-sent events: <c>created</c>, <c>edited</c>, <c>deleted</c>, <c>moved</c> and <c>liked</c>, in order, without gaps or duplicates, starting now or after a
    /// <c>Last-Event-ID</c>. The id of an event is the resulting version of the thread. The stream covers the whole thread, regardless of which of its comments is in
    /// the address; it ends when that comment is deleted or moved to another thread. <c>data</c> is an object:
    /// <c>version</c>, <c>kind</c>, <c>comment_id</c>, <c>thread</c> (the root), <c>comment</c> (as a list shows it to anonymous callers,
    /// at the time of sending; null if it no longer exists), and depending on the kind <c>parent_id</c>; <c>removed</c> (the ids that no longer exist) and
    /// <c>tombstone</c>; <c>from_parent</c>, <c>from_root</c> and <c>to_root</c>; <c>like_count</c> and <c>delta</c>, its change. Consecutive likes of one
    /// comment may be sent as one event, whose <c>delta</c> is their sum.
    /// The event <c>reset</c> means that missed events are not available: read the thread again; the stream continues.
    /// </remarks>
    /// <param name="id">A comment of the thread.</param>
    private static async Task<Results<EventStream, ProblemHttpResult>> OfThread(
        long id, [AsParameters] ResumeQuery resume, EventReplay replay, EventStreams streams, HttpContext context, CancellationToken ct)
    {
        if (await replay.OpenThread(id, resume.Position, context.ClientAddress, ct) is not { } stream)
            return Problem.CommentNotFound.Result();
        return stream.Live && await streams.Join(stream, ct) is { } problem ? Refuse(problem, context.Response) : stream;
    }

    /// <summary>Watch a topic.</summary>
    /// <remarks>The events of all its threads, as in <c>GET /comments/{id}/events</c>; within a thread, in the order of its versions. Event ids are opaque.</remarks>
    /// <param name="topic">The topic.</param>
    private static async Task<Results<EventStream, ProblemHttpResult>> OfTopic(
        [Topic] string topic, [AsParameters] ResumeQuery resume, EventReplay replay, EventStreams streams, HttpContext context, CancellationToken ct)
    {
        var stream = replay.OpenTopic(topic.Trim(), resume.Position, context.ClientAddress);
        return await streams.Join(stream, ct) is { } problem ? Refuse(problem, context.Response) : stream;
    }

    private static ProblemHttpResult Refuse(Problem problem, HttpResponse response)
    {
        // An estimate: streams have no fixed duration.
        if (problem == Problem.TooManyStreams)
            response.Headers.RetryAfter = "5";
        return problem.Result();
    }
}

/// <summary>Where a client that was cut off goes on.</summary>
/// <param name="LastEventId">The id of the last event that was seen.</param>
/// <param name="ResumeAfter">The same, for clients that cannot set a header.</param>
public sealed record ResumeQuery(
    [FromHeader(Name = "Last-Event-ID")] string? LastEventId = null,
    [FromQuery(Name = "last_event_id")] string? ResumeAfter = null)
{
    internal string? Position => string.IsNullOrEmpty(LastEventId) ? ResumeAfter : LastEventId;
}
