using System.Data;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;

namespace ClosureTable.Api.Pages;

/// <summary>
/// What the explorer needs besides the public API: the rows of <c>comments_tree</c>. It is enabled in Development, and elsewhere,
/// read-only, by <c>Explorer:Enabled</c>.
/// </summary>
internal static class ExplorerEndpoints
{
    private const int MaxComments = 200;

    public static void MapExplorer(this IEndpointRouteBuilder app)
    {
        if (!IsEnabled(app))
            return;

        app.MapPage("/explorer", "explorer.html");
        app.MapPage("/explorer.css", "explorer.css");
        app.MapPage("/explorer.js", "explorer.js");

        var explorer = app.MapGroup("/explorer").ExcludeFromDescription().AllowAnonymous();
        explorer.MapGet("/threads", Threads);
        explorer.MapGet("/threads/{id:long}", Thread);
        // Only by these names, against DNS rebinding.
        if (InDevelopment(app))
            explorer.MapPost("/people", People).RequireHost("localhost", "127.0.0.1");
    }

    public static bool IsEnabled(IEndpointRouteBuilder app) =>
        app.ServiceProvider.GetRequiredService<IConfiguration>().GetValue("Explorer:Enabled", defaultValue: InDevelopment(app));

    private static bool InDevelopment(IEndpointRouteBuilder app) =>
        app.ServiceProvider.GetRequiredService<IHostEnvironment>().IsDevelopment();

    /// <summary>The newest threads.</summary>
    private static async Task<ExplorerThreads> Threads(NpgsqlDataSource primary, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        return new((await connection.QueryAsync<ExplorerThread>("""
            select t.root_id, left(c.content, 60) as excerpt, t.comment_count
            from comments_threads t
            join comments_comments c on c.id = t.root_id
            where t.comment_count between 1 and @MaxComments
            order by t.created_at desc, t.root_id desc
            limit 30
            """, new { MaxComments }, ct)).AsList());
    }

    /// <summary>A thread with its rows, in one snapshot.</summary>
    private static async Task<Results<Ok<ExplorerTree>, ProblemHttpResult>> Thread(long id, NpgsqlDataSource primary, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, ct);
        var thread = await connection.QuerySingleOrDefaultAsync<(long Version, int CommentCount)?>("""
            select version, comment_count
            from comments_threads
            where root_id = @id and comment_count > 0
            """, new { id }, ct);
        if (thread is not { } found)
            return Problem.CommentNotFound.Result();
        if (found.CommentCount > MaxComments)
            return Problem.ThreadTooLarge.Result();

        var comments = await connection.QueryAsync<ExplorerComment>("""
            select id, parent_id, depth, left(content, 80) as excerpt, deleted_at is not null as deleted
            from comments_comments
            where root_id = @id
            order by created_at, id
            """, new { id }, ct);
        var rows = await connection.QueryAsync<ExplorerRow>("""
            select tree.ancestor_id, tree.nearest_ancestor_id, tree.descendant_id, tree.depth
            from comments_tree tree
            join comments_comments c on c.id = tree.descendant_id
            where c.root_id = @id
            order by tree.ancestor_id, tree.descendant_id
            """, new { id }, ct);
        return TypedResults.Ok(new ExplorerTree(id, found.Version, comments.AsList(), rows.AsList()));
    }

    /// <summary>Tokens for three test users, one of them a moderator. They have no password; this is mapped in Development only.</summary>
    private static async Task<ExplorerPeople> People(NpgsqlDataSource primary, TokenIssuer issuer, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        var users = await connection.QueryAsync<(long Id, string Name, string Role)>("""
            insert into auth_users (name, role, issuer, subject)
            values ('Ada', 'user', 'explorer', 'ada'), ('Boris', 'user', 'explorer', 'boris'), ('Chidi', 'moderator', 'explorer', 'chidi')
            on conflict (issuer, subject) do update set role = excluded.role
            returning id, name, role
            """, null, ct);
        return new([.. users.Select(user => new ExplorerPerson(user.Id, user.Name, user.Role, issuer.Issue(user.Id, user.Name, user.Role).Token))]);
    }
}

internal sealed record ExplorerThreads(IReadOnlyList<ExplorerThread> Threads);

internal sealed record ExplorerThread(long RootId, string Excerpt, int CommentCount);

internal sealed record ExplorerTree(long RootId, long Version, IReadOnlyList<ExplorerComment> Comments, IReadOnlyList<ExplorerRow> Rows);

internal sealed record ExplorerComment(long Id, long? ParentId, int Depth, string Excerpt, bool Deleted);

/// <summary>A row of <c>comments_tree</c>.</summary>
internal sealed record ExplorerRow(long AncestorId, long NearestAncestorId, long DescendantId, int Depth);

internal sealed record ExplorerPeople(IReadOnlyList<ExplorerPerson> People);

internal sealed record ExplorerPerson(long Id, string Name, string Role, string Token);
