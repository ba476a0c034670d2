using System.Collections.Concurrent;
using System.Net.Http.Headers;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

[assembly: AssemblyFixture(typeof(ServiceFixture))]

namespace ClosureTable.Tests.Fixture;

/// <summary>
/// The whole service on a database of its own, started once for all tests. Tests keep apart by their data: each makes
/// its own users, topics and threads, so that they can run side by side.
/// </summary>
public class ServiceFixture : IAsyncLifetime
{
    private TestDatabase database = null!;
    private WebApplicationFactory<Program> service = null!;
    private readonly ConcurrentDictionary<string, Lazy<WebApplicationFactory<Program>>> shared = [];

    internal string ConnectionString => database.ConnectionString;

    internal IServiceProvider Services => service.Services;

    public async ValueTask InitializeAsync()
    {
        database = await CreateDatabase();
        service = Instance(_ => { });
        service.StartServer();
    }

    private protected virtual Task<TestDatabase> CreateDatabase() => TestDatabase.Create();

    internal const string SigningKey = "the tests' own key, which is long enough for HS256, and for the HS512 that is refused";

    /// <summary>
    /// Another instance of the service on the same database, with settings of its own; the caller disposes of it.
    /// A real server on a loopback port: limits, framing and cut connections behave as in production.
    /// </summary>
    internal WebApplicationFactory<Program> Instance(Action<IWebHostBuilder> configure)
    {
        // Not derived from the running service: the clients of such a factory go to the address of the first one.
        var instance = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
        {
            host.UseSetting("ConnectionStrings:Comments", database.ConnectionString)
                // appsettings.json names 8080, and wins over the port that UseKestrel is told.
                .UseSetting("Urls", "http://127.0.0.1:0")
                .UseSetting("Authentication:SigningKey", SigningKey)
                // All tests are one client.
                .UseSetting("Authentication:FailedLoginsPerClient", "1000000")
                .UseSetting("Logging:LogLevel:Default", "Warning")
                .UseSetting("Logging:LogLevel:Microsoft.Hosting", "Warning");
            configure(host);
            if (TestDatabase.PastThePooler(host.GetSetting("ConnectionStrings:Comments")) is { } direct)
                host.UseSetting("ConnectionStrings:Direct", direct);
        });
        instance.UseKestrel(port: 0);
        return instance;
    }

    /// <summary>
    /// An instance with settings, to which a test can say what address it has (<see cref="Peers"/>), for all tests that ask for the same
    /// settings; the fixture disposes of it.
    /// </summary>
    internal WebApplicationFactory<Program> Shared(params (string Setting, string Value)[] settings) =>
        shared.GetOrAdd(string.Join('\n', settings), _ => new(() =>
        {
            var instance = Instance(host =>
            {
                host.ConfigurePeers();
                foreach (var (setting, value) in settings)
                    host.UseSetting(setting, value);
            });
            instance.StartServer();
            return instance;
        })).Value;

    /// <summary>An empty database on the same server; the caller disposes of it.</summary>
    internal Task<TestDatabase> NewDatabase() => database.Another();

    /// <summary>A caller who did not sign in.</summary>
    internal HttpClient Client() => service.CreateClient();

    /// <summary>A caller with a new account, signed in without the cost of a password.</summary>
    internal async Task<HttpClient> SignedIn(string name = "ann", string role = Roles.User) =>
        Client().With((await NewUser(name, role)).Token);

    internal Task<HttpClient> Moderator() => SignedIn("mod", Roles.Moderator);

    /// <summary>A new account without a known password, and an access token of it.</summary>
    internal async Task<(long Id, string Email, string Token)> NewUser(string name = "ann", string role = Roles.User)
    {
        var email = $"{Guid.NewGuid():n}@example.org";
        var id = await Query<long>(
            "insert into auth_users (email, name, role, password_hash) values (@email, @name, @role, '') returning id", new { email, name, role });
        var (token, _) = Services.GetRequiredService<TokenIssuer>().Issue(id, name, role);
        return (id, email, token);
    }

    /// <summary>One value, straight from the database.</summary>
    internal async Task<T> Query<T>(string sql, object? args = null)
    {
        await using var connection = await Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
        return (await connection.ExecuteScalarAsync<T>(sql, args))!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in shared.Values)
            await instance.Value.DisposeAsync();
        if (service is not null)
            await service.DisposeAsync();
        if (database is not null)
            await database.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The service once more, on a database that no other class uses: a class fixture for tests that count locks, or break things.</summary>
public sealed class OwnServiceFixture(ServiceFixture shared) : ServiceFixture
{
    private protected override Task<TestDatabase> CreateDatabase() => shared.NewDatabase();
}

internal static class Clients
{
    public static HttpClient With(this HttpClient client, string token)
    {
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }
}
