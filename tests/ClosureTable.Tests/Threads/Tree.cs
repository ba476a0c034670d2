using ClosureTable.Api.Commands.Integrity;
using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Threads;

/// <summary>What tests of the tree look at beneath the service.</summary>
internal static class Tree
{
    public static NpgsqlDataSource Source(this ServiceFixture fixture) => fixture.Services.GetRequiredService<NpgsqlDataSource>();

    /// <summary>What <c>verify</c> finds, in the whole database or in one thread.</summary>
    public static async Task<List<Violation>> Violations(this ServiceFixture fixture, long? rootId = null)
    {
        var violations = new List<Violation>();
        await new Verification(fixture.Source()).Run(rootId, violations.Add, progress: null, TestContext.Current.CancellationToken);
        return violations;
    }

    public static async Task<List<T>> Rows<T>(this ServiceFixture fixture, string sql, object? args = null)
    {
        await using var connection = await fixture.Source().OpenConnectionAsync(TestContext.Current.CancellationToken);
        return [.. await connection.QueryAsync<T>(sql, args)];
    }

    public static async Task<int> Execute(this ServiceFixture fixture, string sql, object? args = null)
    {
        await using var connection = await fixture.Source().OpenConnectionAsync(TestContext.Current.CancellationToken);
        return await connection.ExecuteAsync(sql, args);
    }

    public static Task<long> Version(this ServiceFixture fixture, long rootId) =>
        fixture.Query<long>("select version from comments_threads where root_id = @rootId", new { rootId });
}
