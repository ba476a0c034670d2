using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;
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
}
