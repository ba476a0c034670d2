using System.Security.Cryptography;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Feeds;

internal static class FeedEndpoints
{
    public static void AddFeeds(this IHostApplicationBuilder builder) => builder.Services.AddSingleton<FeedRepository>();

    public static void MapFeeds(this IEndpointRouteBuilder app)
    {
        var feeds = app.MapGroup("").WithTags("Feeds")
            // The framework handles If-Match on reads.
            .WithProblems(Problem.PreconditionFailed)
            .WithResponseHeader(200, "Last-Modified", "When something that the feed shows was written or edited last. A deletion does not change it: prefer the `ETag`.");
        feeds.MapGet("/topics/feed", OfTopic).WithProblems(Problem.ValidationFailed)
            .Produces<string>(StatusCodes.Status200OK, AtomFeed.MediaType).Produces(StatusCodes.Status304NotModified);
        feeds.MapGet("/users/{id:long}/feed", OfUser).WithProblems(Problem.UserNotFound)
            .Produces<string>(StatusCodes.Status200OK, AtomFeed.MediaType).Produces(StatusCodes.Status304NotModified);
    }

    /// <summary>Follow a topic in a feed reader.</summary>
    /// <remarks>The newest 50 comments of all its threads, as Atom (RFC 4287). The feed of a topic without comments is empty.</remarks>
    /// <param name="topic">The topic.</param>
    private static async Task<FileContentHttpResult> OfTopic(
        [Topic] string topic, FeedRepository feeds, HttpRequest request, CancellationToken ct) =>
        Answer(request, $"Comments on {topic.Trim()}", await feeds.OfTopic(topic.Trim(), ct));

    /// <summary>Follow a user in a feed reader.</summary>
    /// <remarks>The user's newest 50 comments, as Atom (RFC 4287).</remarks>
    /// <param name="id">The user.</param>
    private static async Task<Results<FileContentHttpResult, ProblemHttpResult>> OfUser(
        long id, FeedRepository feeds, HttpRequest request, CancellationToken ct) =>
        await feeds.OfUser(id, ct) is { } user
            ? Answer(request, $"Comments by {user.Name}", user.Comments)
            : Problem.UserNotFound.Result();

    private static FileContentHttpResult Answer(HttpRequest request, string title, IReadOnlyList<FeedComment> comments)
    {
        // The URLs in a feed use the address of the request. Its Host may be empty or invalid.
        if (!Uri.TryCreate(request.GetEncodedUrl(), UriKind.Absolute, out var address))
            address = new Uri(UriHelper.BuildAbsolute(request.Scheme, new HostString("localhost"), request.PathBase, request.Path, request.QueryString));
        var feed = AtomFeed.Render(address, title, comments, service: new Uri(address, $"{request.PathBase.ToUriComponent()}/"));
        return TypedResults.Bytes(
            feed,
            $"{AtomFeed.MediaType}; charset=utf-8",
            lastModified: AtomFeed.LastChange(comments),
            entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(feed).AsSpan(0, 12))}\""));
    }
}
