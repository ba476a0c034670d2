using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Npgsql;

namespace ClosureTable.Tests.Data;

/// <summary>The database holds the limits too, and what it refuses has a problem of its own.</summary>
public sealed class ConstraintTests(ServiceFixture fixture)
{
    [Theory]
    [InlineData("insert into comments_comments (id, root_id, depth, content) values (-1, -1, 0, repeat('x', 10001))", "comments_comments_content_length", "validation_failed")]
    [InlineData("insert into comments_revisions (comment_id, revision, content, written_at) values (-1, 1, repeat('x', 10001), now())", "comments_revisions_content_length", "validation_failed")]
    [InlineData("insert into comments_revisions (comment_id, revision, content, written_at) values (-1, 1, 'x', now())", "comments_revisions_comment_exists", "comment_not_found")]
    [InlineData("insert into comments_threads (root_id, topic, created_at, last_activity_at) values (-1, repeat('x', 513), now(), now())", "comments_threads_topic_length", "validation_failed")]
    [InlineData("insert into auth_users (name, issuer, subject) values (repeat('x', 65), 'x', 'x')", "auth_users_name_length", "validation_failed")]
    [InlineData("insert into auth_users (name, email, issuer, subject) values ('x', repeat('x', 255), 'x', 'x')", "auth_users_email_length", "validation_failed")]
    [InlineData("insert into idempotency_keys (user_id, key, request_hash, status, body) values (-1, repeat('k', 256), '', 201, '')", "idempotency_keys_key_length", "validation_failed")]
    [InlineData("insert into idempotency_keys (user_id, key, request_hash, status, body) values (-1, 'k', '', 201, '')", "idempotency_keys_user_exists", "unauthorized")]
    [InlineData("insert into comments_likes (comment_id, user_id) values (-1, -1)", "comments_likes_comment_exists", "comment_not_found")]
    public async Task A_constraint_that_a_client_could_violate_has_a_problem(string statement, string constraint, string code)
    {
        await using var connection = await fixture.Source().OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(statement, connection);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
        Assert.Equal(constraint, refused.ConstraintName);
        Assert.Equal(code, DatabaseFailures.ProblemOf(refused)?.Code);
    }

    /// <summary>Constraints that no request can violate, with the reason.</summary>
    private static readonly Dictionary<string, string> OnlyByAFault = new()
    {
        ["auth_refresh_tokens_user_exists"] = "A session is written for an account that was just read, and the service deletes no accounts.",
        ["comments_threads_root_exists"] = "A thread is written in the transaction that writes or locks its root.",
        ["comments_tree_descendant_exists"] = "The rows of the tree are written in the transaction that writes or locks their comment.",
    };

    [Fact]
    public async Task Every_constraint_on_a_length_a_comment_or_a_user_has_a_problem_or_a_reason_why_not()
    {
        var constraints = await fixture.Rows<(string Name, string SqlState)>("""
            select conname, case contype when 'c' then '23514' else '23503' end
            from pg_constraint
            where connamespace = current_schema()::regnamespace and conparentid = 0
              and (contype = 'c' and conname like '%\_length'
                or contype = 'f' and confrelid in ('comments_comments'::regclass, 'auth_users'::regclass))
            order by conname
            """);
        Assert.NotEmpty(constraints);
        var untranslated = constraints
            .Where(constraint => DatabaseFailures.ProblemOf(new PostgresException("", "ERROR", "ERROR", constraint.SqlState, constraintName: constraint.Name)) is null)
            .Select(constraint => constraint.Name)
            .ToList();
        var (missing, needless) = (string.Join(", ", untranslated.Except(OnlyByAFault.Keys)), string.Join(", ", OnlyByAFault.Keys.Except(untranslated)));
        Assert.True(
            missing == "",
            $"Add to DatabaseFailures.OfConstraint, or a request that violates it is a 500; if no request can, add to OnlyByAFault in ConstraintTests with the reason: {missing}");
        Assert.True(needless == "", $"Does not exist or has a problem, remove it from OnlyByAFault in ConstraintTests: {needless}");
    }
}
