using System.Diagnostics;
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Options;
using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>
/// The data sources for <c>ConnectionStrings:Comments</c> or, if that is not set, for a private server, which starts with the first
/// process that needs it and stops with the last.
/// </summary>
internal sealed class Database(IConfiguration configuration, IOptions<DatabaseOptions> options, ILogger<Database> logger) : IAsyncDisposable
{
    private LocalServer? server;
    private NpgsqlDataSource? primary;
    private NpgsqlMultiHostDataSource? hosts;

    public NpgsqlDataSource Primary => primary ?? throw new InvalidOperationException("The database is not open yet.");

    /// <summary>A standby, or the primary if none is available; null if only one host is configured. See <see cref="ReplicaReads"/>.</summary>
    public NpgsqlDataSource? Replicas { get; private set; }

    /// <summary>
    /// For migrations and long-lived connections: includes the password, which <see cref="NpgsqlDataSource.ConnectionString"/> omits, but
    /// not the timeouts of requests. <c>ConnectionStrings:Direct</c> bypasses a transaction pooler, where LISTEN does not work.
    /// </summary>
    public string ConnectionString { get; private set; } = "";

    public async Task Open(CancellationToken ct)
    {
        if (primary is not null)
            return;
        var configured = configuration.GetConnectionString("Comments");
        if (string.IsNullOrWhiteSpace(configured))
        {
            var options = configuration.GetSection("LocalPostgres").Get<LocalPostgresOptions>() ?? new();
            server = await LocalServer.Start(options, logger, ct);
            configured = server.ConnectionString;
        }

        var pooled = WithDefaults(configured);
        ConnectionString = configuration.GetConnectionString("Direct") is { Length: > 0 } direct ? WithDefaults(direct) : pooled;
        var settings = new NpgsqlConnectionStringBuilder(WithTimeouts(pooled));
        if (!HasSeveralHosts(settings))
        {
            primary = new NpgsqlDataSourceBuilder(settings.ConnectionString).Build();
            return;
        }

        settings.TargetSessionAttributes = null;
        hosts = new NpgsqlDataSourceBuilder(settings.ConnectionString).BuildMultiHost();
        primary = hosts.WithTargetSession(TargetSessionAttributes.Primary);
        Replicas = hosts.WithTargetSession(TargetSessionAttributes.PreferStandby);
    }

    /// <summary>Runs a task for the lifetime of the service on a connection outside the pool; if the connection breaks, again on a new one.</summary>
    public async Task KeepConnected(string name, Func<NpgsqlConnection, Task> run, CancellationToken ct)
    {
        var settings = new NpgsqlConnectionStringBuilder(ConnectionString) { Pooling = false, KeepAlive = 30 };
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(settings.ConnectionString);
                await connection.OpenAsync(ct);
                await run(connection);
            }
            catch (NpgsqlException exception)
            {
                logger.LogWarning("{Name} was interrupted and will be retried: {Reason}", name, exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), ct);
            }
        }
    }

    /// <summary>
    /// Defaults for keywords that the connection string does not set. Larger pools are slower (32 connections on two cores: 40 %); prepared
    /// statements without a reset give 15 %. A transaction pooler needs <c>Max Auto Prepare=0</c>: statements may change sessions.
    /// </summary>
    internal static string WithDefaults(string configured)
    {
        var settings = new NpgsqlConnectionStringBuilder(configured);
        Default("Maximum Pool Size", Math.Max(4, Environment.ProcessorCount * 2));
        Default("Max Auto Prepare", 200);
        Default("Auto Prepare Min Usages", 2);
        Default("No Reset On Close", true);
        // For a new connection or a free one from the pool; after that, a 503 is better than waiting.
        Default("Timeout", 10);
        // Trying Kerberos encryption costs a round trip, and logs a warning if the library is missing.
        Default("GSS Encryption Mode", GssEncryptionMode.Disable);
        Default("Application Name", "closuretable");
        if (HasSeveralHosts(settings))
        {
            settings.TargetSessionAttributes = "primary";
            // To find a promoted standby soon; the default is 10 seconds.
            Default("Host Recheck Seconds", 1);
        }

        return settings.ConnectionString;

        void Default(string keyword, object value)
        {
            if (!settings.ShouldSerialize(keyword))
                settings[keyword] = value;
        }
    }

    private static bool HasSeveralHosts(NpgsqlConnectionStringBuilder settings) => settings.Host?.Contains(',', StringComparison.Ordinal) == true;

    private string WithTimeouts(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        // The operator's settings come last, because the last one of a name wins.
        var session = $"{options.Value.SessionSettings} {settings.Options}".Trim();
        if (session.Length > 0)
            settings.Options = session;
        // Longer than the server's timeout, which reports its cause; this one is for a server or network that does not respond.
        if (!settings.ShouldSerialize("Command Timeout") && options.Value.StatementTimeout > TimeSpan.Zero)
            settings.CommandTimeout = (int)Math.Ceiling(options.Value.StatementTimeout.TotalSeconds) + 5;
        return settings.ConnectionString;
    }

    public async ValueTask DisposeAsync()
    {
        if (primary is not null)
            await primary.DisposeAsync();
        if (hosts is not null)
            await hosts.DisposeAsync();
        if (server is not null)
            await server.DisposeAsync();
    }
}

internal static class DatabaseRegistration
{
    public static void AddDatabase(this IHostApplicationBuilder builder)
    {
        Dapper.DefaultTypeMap.MatchNamesWithUnderscores = true;
        builder.Services.AddOptions<DatabaseOptions>().BindConfiguration("Database").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<Database>();
        builder.Services.AddSingleton<Migrations>();
        builder.Services.AddSingleton(services => services.GetRequiredService<Database>().Primary);
        builder.Services.AddSingleton<ReadYourWrites>();
        builder.Services.AddSingleton<ReplicaReads>();
        builder.Services.AddHealthChecks().AddCheck<SchemaCheck>("schema");
        builder.Services.AddExceptionHandler<DatabaseFailureHandler>();
    }

    public static void UseReadYourWrites(this IApplicationBuilder app) => app.Use(app.ApplicationServices.GetRequiredService<ReadYourWrites>().Carry);

    /// <summary>Opens the database and migrates it, waiting for a database that is still starting.</summary>
    public static async Task OpenDatabase(this IHost host, CancellationToken ct = default)
    {
        var database = host.Services.GetRequiredService<Database>();
        var patience = host.Services.GetRequiredService<IOptions<DatabaseOptions>>().Value.StartPatience;
        var logger = host.Services.GetRequiredService<ILogger<Database>>();
        await database.Open(ct);
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(TimeSpan.FromMilliseconds(500), ct))
        {
            try
            {
                host.Services.GetRequiredService<Migrations>().Apply();
                return;
            }
            catch (NpgsqlException exception) when (exception.IsTransient && waited.Elapsed < patience)
            {
                logger.LogWarning("Waiting for the database: {Reason}", exception.Message);
            }
        }
    }
}
