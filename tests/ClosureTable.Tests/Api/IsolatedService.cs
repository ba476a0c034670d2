using ClosureTable.Api.Accounts;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Api;

/// <summary>An instance with a database of its own, whose contents can be compared as a whole.</summary>
public sealed class IsolatedService(ServiceFixture fixture) : IAsyncLifetime
{
    private WebApplicationFactory<Program> service = null!;
    private NpgsqlDataSource source = null!;
    private string database = "";

    /// <summary>Where it listens.</summary>
    internal Uri Address { get; private set; } = null!;

    public ValueTask InitializeAsync() => Start(_ => { });

    internal async ValueTask Start(Action<IWebHostBuilder> configure)
    {
        database = $"closuretable_alone_{Guid.NewGuid():n}";
        await fixture.Query<object>($"create database {database}");
        source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { Database = database, MaxPoolSize = 4 });
        service = fixture.Instance(host =>
        {
            host.UseSetting("ConnectionStrings:Comments", new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { Database = database }.ConnectionString);
            configure(host);
        });
        Address = service.CreateClient().BaseAddress!;
    }

    /// <summary>A caller of it; redirects are answers, too.</summary>
    internal HttpClient Caller(string? token = null)
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address };
        return token is null ? client : client.With(token);
    }

    /// <summary>An account in its database, and an access token of it.</summary>
    internal async Task<(long Id, string Token)> NewUser(string role = Roles.User)
    {
        await using var connection = await source.OpenConnectionAsync();
        var id = await connection.ExecuteScalarAsync<long>(
            "insert into auth_users (email, name, role, password_hash) values (@email, 'ann', @role, '') returning id",
            new { email = $"{Guid.NewGuid():n}@example.org", role });
        return (id, service.Services.GetRequiredService<TokenIssuer>().Issue(id, "ann", role).Token);
    }

    internal Task<NpgsqlConnection> Connect() => source.OpenConnectionAsync().AsTask();

    /// <summary>A fingerprint of every row of every table.</summary>
    internal async Task<IReadOnlyDictionary<string, string>> Contents()
    {
        await using var connection = await source.OpenConnectionAsync();
        var tables = (await connection.QueryAsync<string>("select relname from pg_stat_user_tables where relname <> 'schema_versions' order by relname")).AsList();
        var contents = new Dictionary<string, string>();
        foreach (var table in tables)
            contents[table] = (await connection.ExecuteScalarAsync<string>($"select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t"))!;
        return contents;
    }

    internal Task Drop() => fixture.Query<object>($"drop database if exists {database} with (force)");

    public async ValueTask DisposeAsync()
    {
        if (service is not null)
            await service.DisposeAsync();
        if (source is not null)
            await source.DisposeAsync();
        await Drop();
    }
}
