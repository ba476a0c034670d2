using System.Globalization;
using System.Security.Claims;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Operations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace ClosureTable.Api.Comments;

internal static class CommentEndpoints
{
    public static void AddComments(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<CommentOptions>().BindConfiguration("Comments").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<WriteTransaction>();
        builder.Services.AddSingleton<CommentRepository>();
        builder.Services.AddSingleton<ThreadRepository>();
        builder.Services.AddSweep<ExpiredKeys>();
        builder.Services.AddSingleton<CommentResponses>();
        builder.Services.AddOptions<CacheOptions>().BindConfiguration("Cache").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ThreadVersions>();
        builder.Services.AddSingleton<ThreadCache>();
        builder.Services.AddSingleton<ThreadReads>();
        builder.Services.AddSingleton(services => new Cursors(services.GetRequiredService<SigningKeys>().Derive("cursors")));
    }

    public static void MapComments(this IEndpointRouteBuilder app)
    {
        var comments = app.MapGroup("/comments").WithTags("Comments");
        comments.MapGet("", List).WithProblems(Problem.ValidationFailed, Problem.InvalidCursor);
        comments.MapGet("/{id:long}", Get).WithProblems(Problem.ValidationFailed, Problem.CommentNotFound);
        comments.MapGet("/{id:long}/children", Children).WithProblems(Problem.ValidationFailed, Problem.InvalidCursor, Problem.CommentNotFound);
        comments.MapGet("/{id:long}/ancestors", Ancestors).WithProblems(Problem.CommentNotFound);
        comments.MapGet("/{id:long}/revisions", Revisions).RequireAuthorization()
            .WithProblems(Problem.Unauthorized, Problem.Forbidden, Problem.CommentNotFound);

        var writes = app.MapGroup("/comments").WithTags("Comments").RequireAuthorization().WithProblems(Problem.Unauthorized);
        writes.MapPost("", Create).WithProblems(
            Problem.ValidationFailed, Problem.ParentNotFound, Problem.ParentDeleted, Problem.RequestInFlight, Problem.TooDeep, Problem.KeyReused)
            .WithResponseHeader(201, "Location", "The path of the comment.")
            .WithResponseHeader(201, ServiceHeaders.IdempotentReplayed, "`true` if an earlier request with the same `Idempotency-Key` created the comment.", always: false);
        writes.MapPatch("/{id:long}", Edit).WithProblems(
            Problem.ValidationFailed, Problem.Forbidden, Problem.EditWindowClosed, Problem.CommentNotFound, Problem.CommentDeleted, Problem.PreconditionFailed)
            .WithResponseHeader(200, "ETag", "The state of the thread after the edit, for `If-Match`.");
        writes.MapDelete("/{id:long}", Delete).WithProblems(
            Problem.Forbidden, Problem.CommentNotFound, Problem.CommentDeleted, Problem.PreconditionFailed);
        writes.MapPut("/{id:long}/parent", Move).WithProblems(
            Problem.InvalidRequest, Problem.Forbidden, Problem.CommentNotFound, Problem.ParentNotFound, Problem.ParentDeleted,
            Problem.PreconditionFailed, Problem.IntoItself, Problem.TooDeep)
            .WithResponseHeader(200, "ETag", "The state of the thread after the move, for `If-Match`.");

        app.MapGet("/topics/counts", Counts).WithTags("Topics").WithProblems(Problem.ValidationFailed);
    }

    /// <summary>List root comments.</summary>
    /// <remarks>One page of threads, of one topic or of all. With <c>children</c>, each root includes its first replies.</remarks>
    private static async Task<Results<RenderedJson<CommentPage>, ProblemHttpResult>> List(
        [AsParameters] RootsQuery query, ThreadRepository threads, CommentResponses answers, ClaimsPrincipal user, CancellationToken ct)
    {
        if (!answers.Cursors.TryRead(query.Cursor, CursorList.Roots, Cursor.ScopeOf(query.Topic), SortOf(query.Sort), out var after))
            return Problem.InvalidCursor.Result();
        var nested = query is { Depth: > 0, Children: > 0 };
        var order = SortOf(query.Sort) ?? after?.Sort ?? CommentSort.New;
        var shape = new TreeShape(
            order == CommentSort.Active ? CommentSort.Old : order, nested ? query.Depth : 0, query.Children, nested ? ThreadRepository.MaxPageComments : query.Limit);
        using var forest = await threads.Roots(query.Topic, order, after, query.Limit, shape, user.UserId, ct);
        return new RenderedJson<CommentPage>(answers.Page(forest, user.UserId is not null, nested));
    }

    /// <summary>Get a comment with its descendants, nested.</summary>
    /// <remarks>
    /// Returns all descendants up to <c>limit</c> comments; <c>depth</c> and <c>children</c> restrict them further, and <c>limit</c>
    /// omits the deepest comments first. Where direct replies are omitted, <c>more</c> has their number and a cursor for
    /// <c>GET /comments/{id}/children</c>.
    /// </remarks>
    /// <param name="id">The comment.</param>
    private static Task<Results<RenderedJson<Comment>, NotModified, ProblemHttpResult>> Get(
        long id, [AsParameters] TreeQuery query, ThreadReads threads, HttpContext http) =>
        threads.Tree(
            http.Request, http.User.UserId, id, new TreeShape(SortOf(query.Sort) ?? CommentSort.Old, query.Depth, query.Children, query.Limit), http.RequestAborted);

    /// <summary>List a comment's direct replies.</summary>
    /// <remarks>Each includes its own first replies. <c>limit</c> counts all comments in the response, and direct replies come first.</remarks>
    /// <param name="id">The parent comment.</param>
    private static async Task<Results<RenderedJson<CommentPage>, NotModified, ProblemHttpResult>> Children(
        long id, [AsParameters] RepliesQuery query, ThreadReads threads, CommentResponses answers, HttpContext http, CancellationToken ct)
    {
        if (!answers.Cursors.TryRead(query.Cursor, CursorList.Replies, id, SortOf(query.Sort), out var after))
            return Problem.InvalidCursor.Result();
        var shape = new TreeShape(SortOf(query.Sort) ?? after?.Sort ?? CommentSort.Old, query.Depth, query.Children, query.Limit);
        return await threads.Replies(http.Request, http.User.UserId, id, after, shape, $"children {id} {shape} {query.Cursor}", ct);
    }

    /// <summary>List a comment's ancestors.</summary>
    /// <remarks>From the root to the parent; empty for a root.</remarks>
    /// <param name="id">The comment.</param>
    private static Task<Results<RenderedJson<CommentPage>, NotModified, ProblemHttpResult>> Ancestors(
        long id, ThreadReads threads, ClaimsPrincipal user, HttpRequest request, CancellationToken ct) =>
        threads.Ancestors(request, user.UserId, id, ct);

    /// <summary>List a comment's earlier texts.</summary>
    /// <remarks>Only for the author and moderators.</remarks>
    /// <param name="id">The comment.</param>
    private static async Task<Results<Ok<RevisionList>, ProblemHttpResult>> Revisions(
        long id, CommentRepository repository, ClaimsPrincipal user, CancellationToken ct)
    {
        var (revisions, problem) = await repository.Revisions(user.Caller, id, ct);
        return revisions is null ? problem!.Result() : TypedResults.Ok(new RevisionList { Revisions = revisions });
    }

    /// <summary>Create a comment.</summary>
    /// <remarks>
    /// An <c>Idempotency-Key</c> is valid for 24 hours: repeating the request with the same key returns 201 with
    /// <c>Idempotent-Replayed: true</c> and creates nothing. The response then has the current state of the comment, without
    /// replies; if it was deleted since, <c>content</c> and <c>author</c> are null and <c>deleted</c> is true.
    /// </remarks>
    /// <param name="idempotencyKey">1 to 255 printable ASCII characters, unique to each comment.</param>
    private static async Task<Results<RenderedCreated<Comment>, ValidationProblem, ProblemHttpResult>> Create(
        CreateCommentRequest request, CommentRepository repository, ClaimsPrincipal user, HttpResponse response,
        [FromHeader(Name = ServiceHeaders.IdempotencyKey), Key] string? idempotencyKey, CancellationToken ct)
    {
        if (request is { ParentId: not null, Topic: not null })
            return Problem.Invalid("topic", "A reply has the topic of its thread; send a topic only with a new thread.");

        var caller = user.Caller;
        var (content, topic) = (request.Content.Trim(), request.Topic?.Trim());
        var key = idempotencyKey is null ? null : new IdempotencyKey(caller.Id, idempotencyKey, IdempotencyKey.Hash(
            content, request.ParentId?.ToString(CultureInfo.InvariantCulture), topic));
        var (answer, problem) = await repository.Create(caller, content, request.ParentId, topic, key, ct);
        if (answer is null)
            return problem!.Result();
        if (answer.Replayed)
        {
            response.Headers[ServiceHeaders.IdempotentReplayed] = "true";
            Instruments.ResponsesReplayed.Add(1);
        }

        return new RenderedCreated<Comment>(answer.Comment, string.Create(CultureInfo.InvariantCulture, $"/comments/{answer.Id}"));
    }

    /// <summary>Edit a comment.</summary>
    /// <remarks>Only for the author and moderators. The previous text is kept as a revision.</remarks>
    /// <param name="id">The comment.</param>
    /// <param name="ifMatch">An ETag of the thread; the comment is edited only if the thread has not changed since.</param>
    private static async Task<Results<RenderedJson<EditedComment>, ProblemHttpResult>> Edit(
        long id, EditCommentRequest request, CommentRepository repository, ClaimsPrincipal user,
        [FromHeader(Name = "If-Match")] IfMatch? ifMatch, CancellationToken ct)
    {
        var (edited, problem) = await repository.Edit(
            user.Caller, id, request.Content.Trim(), ifMatch ?? default, CommentResponses.Single, ct);
        return edited is null
            ? problem!.Result()
            : new RenderedJson<EditedComment>(CommentResponses.Counted("updated", edited.Updated, edited.Comment))
            {
                ETag = ThreadTag.Of(edited.RootId, edited.Version, ThreadReads.Variant($"edited {id}", user.UserId)),
            };
    }

    /// <summary>Delete a comment.</summary>
    /// <remarks>
    /// Only for the author and moderators. A comment without replies is removed; one with replies becomes a tombstone, which is
    /// removed with its last reply.
    /// </remarks>
    /// <param name="id">The comment.</param>
    /// <param name="ifMatch">An ETag of the thread; the comment is deleted only if the thread has not changed since.</param>
    /// <param name="subtree">Remove the comment and all its descendants; only for moderators.</param>
    private static async Task<Results<Ok<DeletedComments>, ProblemHttpResult>> Delete(
        long id, CommentRepository repository, ClaimsPrincipal user,
        [FromHeader(Name = "If-Match")] IfMatch? ifMatch, bool subtree = false, CancellationToken ct = default)
    {
        var (deleted, problem) = await repository.Delete(user.Caller, id, subtree, ifMatch ?? default, ct);
        return problem is null ? TypedResults.Ok(new DeletedComments { Deleted = deleted }) : problem.Result();
    }

    /// <summary>Move a comment with its descendants.</summary>
    /// <remarks>Only for moderators. The new parent may be in another thread; without a parent, the comment becomes the root of a new thread.</remarks>
    /// <param name="id">The comment.</param>
    /// <param name="ifMatch">An ETag of the thread; the comment is moved only if the thread has not changed since.</param>
    private static async Task<Results<RenderedJson<MovedComment>, ProblemHttpResult>> Move(
        long id, MoveCommentRequest request, CommentRepository repository, ClaimsPrincipal user,
        [FromHeader(Name = "If-Match")] IfMatch? ifMatch, CancellationToken ct)
    {
        var (moved, problem) = await repository.Move(
            user.Caller, id, request.ParentId, ifMatch ?? default, CommentResponses.Single, ct);
        return moved is null
            ? problem!.Result()
            : new RenderedJson<MovedComment>(CommentResponses.Counted("moved", moved.Comments, moved.Comment))
            {
                ETag = ThreadTag.Of(moved.RootId, moved.Version, ThreadReads.Variant($"moved {id}", user.UserId)),
            };
    }

    /// <summary>Count the comments of topics.</summary>
    /// <remarks>Tombstones are not counted. A topic without comments has 0.</remarks>
    /// <param name="topic">1 to 100 topics.</param>
    private static async Task<Ok<TopicCounts>> Counts([Topics] string[] topic, ThreadRepository threads, CancellationToken ct) =>
        TypedResults.Ok(new TopicCounts { Counts = await threads.Counts(topic, ct) });

    private static CommentSort? SortOf(string? sort) => sort switch
    {
        "new" => CommentSort.New,
        "old" => CommentSort.Old,
        "top" => CommentSort.Top,
        "active" => CommentSort.Active,
        _ => null,
    };
}

/// <summary>The number of comments of each topic.</summary>
public sealed record TopicCounts
{
    /// <summary>The number of comments by topic.</summary>
    public required IReadOnlyDictionary<string, long> Counts { get; init; }
}
