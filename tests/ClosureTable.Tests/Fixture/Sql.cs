using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Fixture;

/// <summary>What tests read from the database, and change in it, beneath the service.</summary>
internal static class Sql
{
    public static NpgsqlDataSource Source(this ServiceFixture fixture) => fixture.Services.GetRequiredService<NpgsqlDataSource>();

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
