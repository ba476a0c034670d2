using ClosureTable.Api.Search;
using ClosureTable.LocalPostgres;
using Npgsql;

namespace ClosureTable.Api.Hosting;

/// <summary>
/// Where the threads are kept: the server that <c>ConnectionStrings:Comments</c> names or, without one, a private
/// server that starts with the first process that needs it and stops with the last.
/// </summary>
internal sealed class Database(IConfiguration configuration, ILogger<Database> logger) : IAsyncDisposable
{
    private LocalServer? server;
    private NpgsqlDataSource? source;

    /// <exception cref="InvalidOperationException"><see cref="Open"/> was not called.</exception>
    public NpgsqlDataSource Source => source ?? throw new InvalidOperationException("The database is not open yet.");

    /// <summary>With the password, which <see cref="NpgsqlDataSource.ConnectionString"/> leaves out.</summary>
    public string ConnectionString { get; private set; } = "";

    public async Task Open(CancellationToken ct)
    {
        if (source is not null)
            return;
        var configured = configuration.GetConnectionString("Comments");
        if (string.IsNullOrWhiteSpace(configured))
        {
            var options = configuration.GetSection("LocalPostgres").Get<LocalPostgresOptions>() ?? new();
            server = await LocalServer.Start(options, logger, ct);
            configured = server.ConnectionString;
        }

        ConnectionString = WithDefaults(configured);
        source = new NpgsqlDataSourceBuilder(ConnectionString).Build();
    }

    /// <summary>A connection outside the pool, for what lives as long as the service; it notices when the other end is gone.</summary>
    public async Task<NpgsqlConnection> OpenOwn(CancellationToken ct)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false, KeepAlive = 30 }.ConnectionString);
        await connection.OpenAsync(ct);
        return connection;
    }

    /// <summary>
    /// What measurements ask for, wherever the connection string is silent: a pool of twice the cores beats larger ones
    /// (32 connections on two cores cost 40 %), and prepared statements without a reset on return give 15 %.
    /// Behind a transaction pooler name both: <c>Max Auto Prepare=0;No Reset On Close=false</c>.
    /// </summary>
    private static string WithDefaults(string configured)
    {
        var settings = new NpgsqlConnectionStringBuilder(configured);
        if (!settings.ContainsKey("Maximum Pool Size"))
            settings.MaxPoolSize = Math.Max(4, Environment.ProcessorCount * 2);
        if (!settings.ContainsKey("Max Auto Prepare"))
            settings.MaxAutoPrepare = 100;
        if (!settings.ContainsKey("Auto Prepare Min Usages"))
            settings.AutoPrepareMinUsages = 2;
        if (!settings.ContainsKey("No Reset On Close"))
            settings.NoResetOnClose = true;
        // Asking for Kerberos encryption that nobody set up costs a round trip, and a warning where the library is missing.
        if (!settings.ContainsKey("GSS Encryption Mode"))
            settings.GssEncryptionMode = GssEncryptionMode.Disable;
        if (!settings.ContainsKey("Application Name"))
            settings.ApplicationName = "closuretable";
        return settings.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        if (source is not null)
            await source.DisposeAsync();
        if (server is not null)
            await server.DisposeAsync();
    }
}

internal static class DatabaseRegistration
{
    public static void AddDatabase(this IHostApplicationBuilder builder)
    {
        Dapper.DefaultTypeMap.MatchNamesWithUnderscores = true;
        builder.Services.AddSingleton<Database>();
        builder.Services.AddSingleton<Migrations>();
        builder.Services.AddOptions<SearchOptions>().BindConfiguration("Search").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SearchColumn>();
        builder.Services.AddSingleton(services => services.GetRequiredService<Database>().Source);
        builder.Services.AddHealthChecks().AddCheck<SchemaCheck>("schema");
    }

    /// <summary>Opens the database and brings its schema to the one that this build needs.</summary>
    public static async Task OpenDatabase(this IHost host, CancellationToken ct = default)
    {
        var database = host.Services.GetRequiredService<Database>();
        await database.Open(ct);
        host.Services.GetRequiredService<Migrations>().Apply();
    }
}
