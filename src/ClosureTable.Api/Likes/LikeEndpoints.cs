using System.Security.Claims;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ClosureTable.Api.Likes;

internal static class LikeEndpoints
{
    public static void AddLikes(this IHostApplicationBuilder builder) => builder.Services.AddSingleton<LikeRepository>();

    public static void MapLikes(this IEndpointRouteBuilder app)
    {
        var like = app.MapGroup("/comments/{id:long}/like").WithTags("Likes").RequireAuthorization()
            .WithProblems(Problem.Unauthorized, Problem.CommentNotFound, Problem.CommentDeleted);
        like.MapPut("", Put);
        like.MapDelete("", Delete);

        var lists = app.MapGroup("/users").WithTags("Likes").WithProblems(Problem.ValidationFailed, Problem.InvalidCursor);
        lists.MapGet("/me/likes", Mine).RequireAuthorization().WithProblems(Problem.Unauthorized);
        lists.MapGet("/{id:long}/likes", Of).WithProblems(Problem.UserNotFound);
    }

    /// <summary>Like a comment.</summary>
    /// <remarks>Changes nothing if the caller already likes it.</remarks>
    /// <param name="id">The comment.</param>
    private static async Task<Results<Ok<CommentLikes>, ProblemHttpResult>> Put(
        long id, LikeRepository likes, ClaimsPrincipal user, CancellationToken ct) =>
        Answer(await likes.Like(user.Caller, id, ct));

    /// <summary>Unlike a comment.</summary>
    /// <remarks>Changes nothing if the caller does not like it.</remarks>
    /// <param name="id">The comment.</param>
    private static async Task<Results<Ok<CommentLikes>, ProblemHttpResult>> Delete(
        long id, LikeRepository likes, ClaimsPrincipal user, CancellationToken ct) =>
        Answer(await likes.Unlike(user.Caller, id, ct));

    /// <summary>List the comments that the caller likes.</summary>
    /// <remarks>Newest like first, without deleted comments.</remarks>
    private static Task<Results<RenderedJson<CommentPage>, ProblemHttpResult>> Mine(
        [AsParameters] PageQuery page, LikeRepository likes, CommentResponses answers, ClaimsPrincipal user, CancellationToken ct) =>
        Of(user.Caller.Id, page, likes, answers, user, ct);

    /// <summary>List the comments that a user likes.</summary>
    /// <remarks>Newest like first, without deleted comments. Likes are public.</remarks>
    /// <param name="id">The user.</param>
    private static async Task<Results<RenderedJson<CommentPage>, ProblemHttpResult>> Of(
        long id, [AsParameters] PageQuery page, LikeRepository likes, CommentResponses answers, ClaimsPrincipal user, CancellationToken ct)
    {
        if (!answers.Cursors.TryRead(page.Cursor, CursorList.Likes, id, sort: null, out var after))
            return Problem.InvalidCursor.Result();
        using var forest = await likes.LikedBy(id, after, page.Limit, user.UserId, ct);
        return forest is null
            ? Problem.UserNotFound.Result()
            : new RenderedJson<CommentPage>(answers.Page(forest, user.UserId is not null, nested: false));
    }

    private static Results<Ok<CommentLikes>, ProblemHttpResult> Answer(Outcome<CommentLikes> outcome) =>
        outcome.Value is { } like ? TypedResults.Ok(like) : outcome.Problem!.Result();
}
