using System.Globalization;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ClosureTable.Api.Comments;

/// <summary>Responds to reads of a thread: 304 if the client has the response, cached bytes if they are current, else a new rendering.</summary>
internal sealed class ThreadReads(ThreadRepository threads, CommentResponses responses, ThreadCache cache)
{
    public async Task<Results<RenderedJson<Comment>, NotModified, ProblemHttpResult>> Tree(
        HttpRequest request, long? caller, long id, TreeShape shape, CancellationToken ct)
    {
        if (caller is null && await cache.Current(id, shape, ct) is { } kept)
            return new RenderedJson<Comment>(kept.Body) { ETag = kept.ETag };

        var variant = Variant($"tree {id} {shape}", caller);
        if (await Unchanged(request, id, variant, ct) is { } unchanged)
            return unchanged;
        if (await threads.Tree(id, shape, caller, ct) is not { } forest)
            return Problem.CommentNotFound.Result();

        var (rootId, version) = (forest.Rows[0].RootId, forest.Rows.Version);
        var etag = ThreadTag.Of(rootId, version, variant, forest.Snapshot);
        if (forest.Rows.Count > CommentResponses.MaxBuffered)
            return new RenderedJson<Comment>(responses.TreeInParts(forest, caller is not null), forest) { ETag = etag };
        using var rows = forest;
        var json = responses.Tree(forest, caller is not null);
        if (caller is null)
            cache.Keep(id, shape, rootId, version, etag, json.Written);
        return new RenderedJson<Comment>(json) { ETag = etag };
    }

    public async Task<Results<RenderedJson<CommentPage>, NotModified, ProblemHttpResult>> Replies(
        HttpRequest request, long? caller, long id, Cursor? after, TreeShape shape, string asked, CancellationToken ct) =>
        await Page(request, caller, id, asked, nested: true, () => threads.Replies(id, after, shape, caller, ct), ct);

    public async Task<Results<RenderedJson<CommentPage>, NotModified, ProblemHttpResult>> Ancestors(
        HttpRequest request, long? caller, long id, CancellationToken ct) =>
        await Page(request, caller, id, $"ancestors {id}", nested: false, () => threads.Ancestors(id, caller, ct), ct);

    private async Task<Results<RenderedJson<CommentPage>, NotModified, ProblemHttpResult>> Page(
        HttpRequest request, long? caller, long id, string asked, bool nested, Func<Task<(Position At, Forest Forest)?>> read, CancellationToken ct)
    {
        var variant = Variant(asked, caller);
        if (await Unchanged(request, id, variant, ct) is { } unchanged)
            return unchanged;
        if (await read() is not var (at, forest))
            return Problem.CommentNotFound.Result();
        using var rows = forest;
        return new RenderedJson<CommentPage>(responses.Page(forest, caller is not null, nested))
        {
            ETag = ThreadTag.Of(at.RootId, at.Version, variant, forest.Snapshot),
        };
    }

    /// <summary>Everything besides the thread that a response depends on: the parameters and the user.</summary>
    public static string Variant(string asked, long? caller) => string.Create(CultureInfo.InvariantCulture, $"{asked} {caller}");

    /// <summary>304 if the client has the response for the thread's current version, else null.</summary>
    private async Task<NotModified?> Unchanged(HttpRequest request, long id, string variant, CancellationToken ct) =>
        request.Headers.IfNoneMatch.Count > 0
        && await threads.Locate(id, ct) is { } at
        && ThreadTag.StillRight(request, at.RootId, at.Version, variant) is { } tag
            ? new NotModified(tag)
            : null;
}
