using System.Net;
using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ClosureTable.Tests.Data;

public sealed class MigrationTests(ServiceFixture fixture)
{
    [Fact]
    public async Task Three_instances_that_start_at_once_on_an_empty_database_all_become_ready_and_apply_each_script_once()
    {
        await using var database = await fixture.NewDatabase();

        await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            await using var instance = fixture.Instance(host => host.UseSetting("ConnectionStrings:Comments", database.ConnectionString));
            using var ready = await instance.CreateClient().Get("/health/ready");
            Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        })));

        var applied = await Applied(database);
        Assert.Equal(applied.Distinct(), applied);
        Assert.Equal(fixture.Services.GetRequiredService<Migrations>().Scripts.Select(script => script.Name), applied);
    }

    [Fact]
    public async Task A_script_that_fails_takes_back_those_before_it_and_is_named_with_its_reason()
    {
        await using var database = await fixture.NewDatabase();
        await using var instance = fixture.Instance(host => host.UseSetting("ConnectionStrings:Comments", database.ConnectionString));
        var migrations = instance.Services.GetRequiredService<Migrations>();
        var before = await Applied(database);
        var broken = new Migrations(
            instance.Services.GetRequiredService<Database>(), instance.Services.GetServices<ISchemaStep>(), NullLogger<Migrations>.Instance)
        {
            Scripts = [.. migrations.Scripts, new("9998_fine.sql", "create table made_by_9998 (id int)"), new("9999_broken.sql", "create tabel oops (id int)")],
        };

        var failure = Assert.Throws<MigrationFailedException>(broken.Apply);

        Assert.Contains("9999_broken.sql", failure.Message, StringComparison.Ordinal);
        Assert.Contains("tabel", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, await Applied(database));
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        Assert.Null(await connection.ExecuteScalarAsync<string?>("select to_regclass('made_by_9998')::text"));
        Assert.All(await broken.Status(TestContext.Current.CancellationToken), script =>
            Assert.Equal(!script.Script.StartsWith("999", StringComparison.Ordinal), script.Applied));
    }

    [Fact]
    public async Task The_service_does_not_start_on_a_schema_that_it_cannot_bring_up_to_date_and_says_which_script_and_why()
    {
        await using var database = await fixture.NewDatabase();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.ExecuteAsync("create table comments_likes (unrelated int)");

        var (exitCode, _, error) = await Cli.Run(
            database.ConnectionString, ["serve", "--urls", "http://127.0.0.1:0"], ("Authentication__SigningKey", ServiceFixture.SigningKey));

        Assert.Equal(1, exitCode);
        Assert.Contains("0003_likes.sql", error, StringComparison.Ordinal);
        Assert.Contains("comments_likes", error, StringComparison.Ordinal);
        Assert.Null(await connection.ExecuteScalarAsync<string?>("select to_regclass('comments_comments')::text"));
    }

    [Fact]
    public async Task The_migrate_command_lists_applies_and_lists_again()
    {
        await using var database = await fixture.NewDatabase();

        var (_, before, _) = await Cli.Run(database.ConnectionString, ["migrate", "--status"]);
        Assert.All(before.Trim().Split('\n'), line => Assert.StartsWith("pending", line, StringComparison.Ordinal));

        var (exitCode, output, error) = await Cli.Run(database.ConnectionString, ["migrate"]);
        Assert.True(exitCode == 0, error);
        Assert.All(output.Trim().Split('\n'), line => Assert.StartsWith("applied", line, StringComparison.Ordinal));

        var (_, after, _) = await Cli.Run(database.ConnectionString, ["migrate", "--status"]);
        Assert.Equal(output, after);
    }

    private static async Task<IReadOnlyList<string>> Applied(TestDatabase database)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        return (await connection.QueryAsync<string>("select scriptname from schema_versions order by schemaversionsid")).ToList();
    }
}
