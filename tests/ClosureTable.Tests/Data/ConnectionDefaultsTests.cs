using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Live;
using Microsoft.AspNetCore.Hosting;
using Npgsql;

namespace ClosureTable.Tests.Data;

public sealed class ConnectionDefaultsTests(ServiceFixture fixture)
{
    [Fact]
    public void A_silent_connection_string_gets_what_was_measured()
    {
        var settings = new NpgsqlConnectionStringBuilder(Database.WithDefaults("Host=db;Username=u"));
        Assert.Equal(Math.Max(4, Environment.ProcessorCount * 2), settings.MaxPoolSize);
        Assert.Equal((200, 2, true), (settings.MaxAutoPrepare, settings.AutoPrepareMinUsages, settings.NoResetOnClose));
    }

    [Fact]
    public void What_the_connection_string_says_stands()
    {
        var settings = new NpgsqlConnectionStringBuilder(Database.WithDefaults("Host=db;MaxPoolSize=7;Max Auto Prepare=0;No Reset On Close=false"));
        Assert.Equal((7, 0, false), (settings.MaxPoolSize, settings.MaxAutoPrepare, settings.NoResetOnClose));
    }

    [Fact]
    public async Task What_listens_and_migrates_goes_past_a_pooler_where_a_direct_connection_is_named()
    {
        var name = $"direct {Guid.NewGuid():n}";
        await using var instance = fixture.Instance(host => host.UseSetting("ConnectionStrings:Direct", $"{fixture.ConnectionString};Application Name={name}"));
        await instance.CreateClient().Read("/topics/counts?topic=none");
        await Wait.Until(() => fixture.Query<bool>(
            "select count(*) = 2 and bool_or(query like 'listen %') from pg_stat_activity where application_name = @name", new { name }));
    }

    [Fact]
    public async Task Statements_stay_prepared_on_their_connection()
    {
        var prepared = 0L;
        var root = (await (await fixture.SignedIn()).Begin()).Id();
        // Each connection of the pool prepares for itself, when a statement comes for the second time.
        for (var deadline = DateTime.UtcNow.AddSeconds(30); prepared == 0 && DateTime.UtcNow < deadline;)
        {
            await fixture.Client().Read($"/comments/{root}/ancestors");
            prepared = await fixture.Query<long>("select count(*) from pg_prepared_statements where statement like '%comments_tree%'");
        }

        Assert.NotEqual(0, prepared);
    }
}
