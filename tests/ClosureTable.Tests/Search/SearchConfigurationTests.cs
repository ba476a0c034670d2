using ClosureTable.Api.Accounts;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Search;

/// <summary>On a database of their own: the configuration belongs to the table.</summary>
public sealed class SearchConfigurationTests(ServiceFixture fixture)
{
    private WebApplicationFactory<Program> Start(TestDatabase database, string configuration, int maxCandidates = 1000)
    {
        var instance = fixture.Instance(host => host
            .UseSetting("ConnectionStrings:Comments", database.ConnectionString)
            .UseSetting("Search:Configuration", configuration)
            .UseSetting("Search:MaxCandidates", $"{maxCandidates}"));
        instance.StartServer();
        return instance;
    }

    private static async Task<HttpClient> SignedIn(WebApplicationFactory<Program> instance)
    {
        await using var connection = await instance.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        var id = await connection.ExecuteScalarAsync<long>(
            "insert into auth_users (email, name, password_hash) values (@email, 'ann', '') returning id", new { email = $"{Guid.NewGuid():n}@example.org" });
        return instance.CreateClient().With(instance.Services.GetRequiredService<TokenIssuer>().Issue(id, "ann", Roles.User).Token);
    }

    [Fact]
    public async Task Another_configuration_makes_the_words_of_old_and_new_comments_anew()
    {
        await using var database = await fixture.NewDatabase();
        long written;
        await using (var simple = Start(database, "simple"))
        {
            var ann = await SignedIn(simple);
            written = (await ann.Begin("The closures remember")).Id();
            Assert.Empty((await ann.Read("/comments/search?q=closure")).Comments());
            Assert.Equal([written], (await ann.Read("/comments/search?q=the")).Comments().Ids());
        }

        await using (var english = Start(database, "english"))
        {
            var ann = await SignedIn(english);
            var newer = (await ann.Begin("A closure remembered")).Id();
            var hits = (await ann.Read("/comments/search?q=remembering+closures")).Comments();
            Assert.Equal([written, newer], hits.Ids().Order());
            Assert.Equal("<mark>closures</mark> <mark>remember</mark>", hits.Single(hit => hit.Id() == written).Text("snippet"));
            // Only stop words: nothing to look for.
            Assert.Empty((await ann.Read("/comments/search?q=the")).Comments());
        }

        await using (var russian = Start(database, "russian"))
        {
            var ann = await SignedIn(russian);
            var дерево = (await ann.Begin("Дерево комментариев")).Id();
            Assert.Equal([дерево], (await ann.Read("/comments/search?q=комментарий")).Comments().Ids());
            Assert.Equal(2, (await ann.Read("/comments/search?q=closure")).Comments().Count);
        }
    }

    [Fact]
    public async Task Of_instances_that_start_at_once_one_makes_the_column_anew()
    {
        await using var database = await fixture.NewDatabase();
        await using (var first = Start(database, "simple"))
            await (await SignedIn(first)).Begin("closures");

        var instances = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Task.Run(() => Start(database, "english"))));
        foreach (var instance in instances)
        {
            Assert.Single((await instance.CreateClient().Read("/comments/search?q=closure")).Comments());
            await instance.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_configuration_that_PostgreSQL_does_not_have_is_named_with_those_that_it_has()
    {
        await using var database = await fixture.NewDatabase();
        var (exitCode, _, error) = await Cli.Run(database.ConnectionString, ["migrate"], ("Search__Configuration", "klingon'"));

        Assert.Equal(1, exitCode);
        Assert.StartsWith("Search__Configuration is 'klingon''", error, StringComparison.Ordinal);
        Assert.Contains("english", error, StringComparison.Ordinal);
        Assert.Contains("russian", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_a_common_word_the_newest_comments_are_ranked_and_the_answer_says_how_many()
    {
        await using var database = await fixture.NewDatabase();
        await using var instance = Start(database, "simple", maxCandidates: 100);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await Fill(connection, "case n when 3 then 'common common rare' else 'common' end");
        var anyone = instance.CreateClient();

        var common = await anyone.Read("/comments/search?q=common&limit=60");
        var rest = await anyone.Read($"/comments/search?q=common&limit=60&cursor={common.Text("next_cursor")}");
        var rare = await anyone.Read("/comments/search?q=common+rare");

        Assert.Equal(100, common.GetProperty("ranked").GetInt32());
        Assert.Equal(Enumerable.Range(0, 100).Select(older => 20_000L - older), [.. common.Comments().Ids(), .. rest.Comments().Ids()]);
        Assert.Null(rest.GetProperty("next_cursor").GetString());
        Assert.Equal((3, 1), (Assert.Single(rare.Comments()).Id(), rare.GetProperty("ranked").GetInt32()));
    }

    [Fact]
    public async Task A_walk_through_the_hits_is_not_moved_by_what_is_written_meanwhile()
    {
        await using var database = await fixture.NewDatabase();
        await using var instance = Start(database, "simple", maxCandidates: 100);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await Fill(connection, "'common'", from: 1, to: 200);
        var anyone = instance.CreateClient();

        var first = await anyone.Read("/comments/search?q=common&limit=50");
        await Fill(connection, "'common'", from: 201, to: 300);
        var second = await anyone.Read($"/comments/search?q=common&limit=50&cursor={first.Text("next_cursor")}");

        Assert.Equal(Enumerable.Range(0, 100).Select(older => 200L - older), [.. first.Comments().Ids(), .. second.Comments().Ids()]);
    }

    [Fact]
    public async Task The_index_finds_the_words()
    {
        await using var database = await fixture.NewDatabase();
        await using var instance = Start(database, "simple");
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await Fill(connection, "format('comment number%s of many', n)");
        // As autovacuum would in time: what new comments say waits in a list beside the index, and small tables are read whole meanwhile.
        await connection.ExecuteAsync("vacuum (analyze) comments_comments, comments_tree, comments_threads");
        // What this connection itself scanned is counted before, not some time after.
        await connection.ExecuteAsync("select pg_stat_force_next_flush()");
        var before = await Scans();

        Assert.Equal(777, Assert.Single((await instance.CreateClient().Read("/comments/search?q=number777")).Comments()).Id());

        // PostgreSQL's own count of the plans that ran: what the service really sent, not a copy of it explained.
        // The counts arrive within a second or so of the statement.
        // One look a block size, for a word as rare as this; and none at the table itself.
        var after = before;
        await Wait.Until(async () => (after = await Scans()).Index >= before.Index + 5);
        Assert.Equal((before.Index + 5, before.Table), after);

        Task<(long Index, long Table)> Scans() => connection.QuerySingleAsync<(long, long)>("""
            select words.idx_scan, comments.seq_scan
            from pg_stat_user_indexes words
            join pg_stat_user_tables comments on comments.relid = words.relid
            where words.indexrelname = 'comments_comments_search_by_age'
            """);
    }

    /// <summary>Threads of one comment each, whose ids and words the test chooses.</summary>
    private static Task Fill(NpgsqlConnection connection, string content, int from = 1, int to = 20_000) => connection.ExecuteAsync($"""
        insert into comments_comments (id, root_id, depth, content)
        select n, n, 0, {content}
        from generate_series({from}, {to}) n;

        insert into comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)
        select id, id, id, 0
        from comments_comments
        where id between {from} and {to};

        insert into comments_threads (root_id, created_at, last_activity_at)
        select id, created_at, created_at
        from comments_comments
        where id between {from} and {to};
        """);
}
