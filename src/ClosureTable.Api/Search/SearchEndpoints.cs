using System.Security.Claims;
using System.Text.Json;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace ClosureTable.Api.Search;

internal static class SearchEndpoints
{
    public static void AddSearch(this IHostApplicationBuilder builder)
    {
        builder.AddSearchColumn();
        builder.Services.AddSingleton<SearchRepository>();
    }

    /// <summary>The search's part of the migrations, which commands need too.</summary>
    public static void AddSearchColumn(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<SearchOptions>().BindConfiguration("Search").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<ISchemaStep, SearchColumn>();
    }

    public static void MapSearch(this IEndpointRouteBuilder app)
    {
        var search = app.MapGroup("/comments/search").WithTags("Search").WithProblems(Problem.ValidationFailed, Problem.TooManyWords, Problem.InvalidCursor);
        search.MapGet("", Find);
        search.MapGet("/{**text}", FindByPath);
    }

    /// <summary>Search comments.</summary>
    /// <remarks>
    /// Finds comments that contain all the words, and supports <c>"a phrase"</c>, <c>or</c> and <c>-without</c>. Comments in which
    /// the words are frequent and close together come first. Only the newest matches are ranked; <c>ranked</c> is their number.
    /// </remarks>
    private static async Task<Results<RenderedJson<SearchPage>, ProblemHttpResult>> Find(
        [AsParameters] SearchQuery query, SearchRepository search, CommentResponses answers, ClaimsPrincipal user, CancellationToken ct)
    {
        var text = query.Q.Trim();
        if (!answers.Cursors.TryRead(query.Cursor, CursorList.Search, search.Scope(text), sort: null, out var after))
            return Problem.InvalidCursor.Result();
        var (found, problem) = await search.Find(text, after, query.Limit, user.UserId, ct);
        if (found is null)
            return problem!.Result();
        using var hits = found;
        return new RenderedJson<SearchPage>(answers.Page(
            hits.Comments, user.UserId is not null, nested: false, (json, id) => Write(json, hits.Findings[id]), json => json.WriteNumber("ranked", hits.Ranked)));
    }

    /// <summary>Search comments by path.</summary>
    /// <remarks>The same as <c>GET /comments/search?q=</c>, at the article's path.</remarks>
    /// <param name="text">The query, 1 to 512 characters and up to 8 words.</param>
    private static Task<Results<RenderedJson<SearchPage>, ProblemHttpResult>> FindByPath(
        [Query] string text, [AsParameters] PageQuery page, SearchRepository search, CommentResponses answers, ClaimsPrincipal user, CancellationToken ct) =>
        // Routing decodes everything except an escaped slash.
        Find(new SearchQuery(text.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase), page.Limit, page.Cursor), search, answers, user, ct);

    private static void Write(Utf8JsonWriter json, Finding finding)
    {
        json.WriteString("snippet", finding.Snippet);
        json.WriteStartArray("ancestors");
        foreach (var id in finding.Ancestors)
            json.WriteNumberValue(id);
        json.WriteEndArray();
    }
}

/// <param name="Q">The query, 1 to 512 characters and up to 8 words.</param>
/// <param name="Limit">Comments per page, 1 to 100.</param>
/// <param name="Cursor">The <c>next_cursor</c> of the previous page.</param>
public sealed record SearchQuery([Query] string Q, [PageSize] int Limit = 20, string? Cursor = null);

[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class QueryAttribute() : TextAttribute(1, 512);
