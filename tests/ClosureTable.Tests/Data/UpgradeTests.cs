using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;
using Dapper;
using DbUp.Engine;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Tests.Data;

public sealed class UpgradeTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_database_of_the_first_release_is_brought_to_the_schema_of_a_new_one()
    {
        await using var upgraded = await fixture.NewDatabase();
        await using var service = fixture.Instance(host => host.UseSetting("ConnectionStrings:Comments", upgraded.ConnectionString));
        await using var connection = new NpgsqlConnection(upgraded.ConnectionString);
        await using var database = await Open(upgraded);
        var current = fixture.Services.GetRequiredService<Migrations>().Scripts;
        Of(database, [FirstRelease("0001_accounts.sql"), FirstRelease("0002_comments.sql"), .. current.Skip(2).Take(7)]).Apply();
        await connection.ExecuteAsync("""
            insert into comments_comments (id, parent_id, root_id, depth, content, child_count, descendant_count, deleted_at)
            values (1, null, 1, 0, '', 1, 1, now()), (2, 1, 1, 1, 'a reply', 0, 0, null);
            insert into comments_threads (root_id, comment_count, created_at, last_activity_at) values (1, 2, now(), now());
            """);

        Assert.Contains(service.Services.GetRequiredService<Migrations>().Scripts, script => script.Name.StartsWith("0013", StringComparison.Ordinal));

        Assert.Equal(1, await connection.ExecuteScalarAsync<int>("select tombstone_count from comments_threads where root_id = 1"));
        await using var fresh = await fixture.NewDatabase();
        await using var other = fixture.Instance(host => host.UseSetting("ConnectionStrings:Comments", fresh.ConnectionString));
        _ = other.Services;
        Assert.Equal(await Schema(fresh), await Schema(upgraded));
    }

    [Fact]
    public async Task A_script_that_was_edited_after_it_was_applied_is_refused_by_name()
    {
        await using var database = await fixture.NewDatabase();
        await using var opened = await Open(database);
        var scripts = fixture.Services.GetRequiredService<Migrations>().Scripts;
        Of(opened, scripts).Apply();
        // Other line endings are no edit.
        Of(opened, [.. scripts.Select(script => new SqlScript(script.Name, script.Contents.ReplaceLineEndings("\r\n")))]).Apply();

        var edited = Of(opened, [.. scripts.Select(script =>
            script.Name == "0003_likes.sql" ? new SqlScript(script.Name, script.Contents + "-- more") : script)]);

        var refusal = Assert.Throws<MigrationFailedException>(edited.Apply);
        Assert.Contains("0003_likes.sql", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("edited", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_migrate_command_refuses_a_database_whose_script_was_another_and_signs_one_that_has_no_checksum()
    {
        await using var database = await fixture.NewDatabase();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await using (var opened = await Open(database))
            Of(opened, fixture.Services.GetRequiredService<Migrations>().Scripts).Apply();
        await connection.ExecuteAsync("""
            update schema_versions set checksum = null where scriptname = '0001_accounts.sql';
            update schema_versions set checksum = 'of another' where scriptname = '0002_comments.sql';
            """);

        var (exitCode, _, error) = await Cli.Run(database.ConnectionString, ["migrate"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("0002_comments.sql was edited", error, StringComparison.Ordinal);

        await connection.ExecuteAsync("update schema_versions set checksum = null where scriptname = '0002_comments.sql'");
        (exitCode, _, error) = await Cli.Run(database.ConnectionString, ["migrate"]);
        Assert.True(exitCode == 0, error);
        Assert.Equal(0, await connection.ExecuteScalarAsync<int>("select count(*) from schema_versions where checksum is null"));
    }

    /// <summary>An older build, which knows nothing of checksums, keeps its journal as it always did.</summary>
    [Fact]
    public async Task An_older_build_still_finds_its_journal()
    {
        await using var database = await fixture.NewDatabase();
        await using var opened = await Open(database);
        Of(opened, fixture.Services.GetRequiredService<Migrations>().Scripts).Apply();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.ExecuteAsync("insert into public.schema_versions (scriptname, applied) values ('9999_of_an_older_build.sql', now()::timestamp)");
    }

    private static async Task<Database> Open(TestDatabase database)
    {
        var opened = new Database(
            new ConfigurationManager { ["ConnectionStrings:Comments"] = TestDatabase.PastThePooler(database.ConnectionString) ?? database.ConnectionString },
            Options.Create(new DatabaseOptions()), NullLogger<Database>.Instance);
        await opened.Open(TestContext.Current.CancellationToken);
        return opened;
    }

    private static Migrations Of(Database database, IReadOnlyList<SqlScript> scripts) =>
        new(database, [], NullLogger<Migrations>.Instance) { Scripts = scripts };

    private static SqlScript FirstRelease(string name)
    {
        using var reader = new StreamReader(typeof(UpgradeTests).Assembly.GetManifestResourceStream($"first-release/{name}")!);
        return new SqlScript(name, reader.ReadToEnd());
    }

    /// <summary>Columns, constraints, indexes and settings of all tables, one a line. The order of columns is not part of it: an added one is the last.</summary>
    private static async Task<IEnumerable<string>> Schema(TestDatabase database)
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        return (await connection.QueryAsync<string>("""
            select format('column %s.%s %s %s %s %s %s', c.oid::regclass, attname, format_type(atttypid, atttypmod), attnotnull,
              attidentity, attgenerated, pg_get_expr(adbin, adrelid))
            from pg_class c
            join pg_attribute on attrelid = c.oid and attnum > 0 and not attisdropped
            left join pg_attrdef on adrelid = c.oid and adnum = attnum
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
            union all
            select format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
            from pg_constraint
            where connamespace = 'public'::regnamespace
            union all
            select format('index %s', indexdef) from pg_indexes where schemaname = 'public'
            union all
            select format('table %s %s %s', oid::regclass, relpersistence, reloptions)
            from pg_class
            where relkind in ('r', 'i', 'S') and relnamespace = 'public'::regnamespace
            order by 1
            """)).ToList();
    }
}
