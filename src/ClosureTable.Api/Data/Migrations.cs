using System.Security.Cryptography;
using System.Text;
using Dapper;
using DbUp;
using DbUp.Engine;
using Npgsql;

namespace ClosureTable.Api.Data;

internal sealed record MigrationStatus(string Script, bool Applied);

/// <summary>
/// Applies the embedded scripts of <c>db/</c> in the order of their numbers, in one transaction. If a script fails, the schema is
/// unchanged.
/// </summary>
internal sealed class Migrations(Database database, IEnumerable<ISchemaStep> steps, ILogger<Migrations> logger)
{
    /// <summary>The advisory lock that serializes upgrades by several instances.</summary>
    private const long UpgradeLock = 0x436C6F7375726554;

    /// <summary>In the order of application. Tests append scripts that fail.</summary>
    internal IReadOnlyList<SqlScript> Scripts { get; init; } = ReadScripts();

    /// <exception cref="MigrationFailedException">A script failed and the upgrade was rolled back, or an applied script was edited.</exception>
    public void Apply()
    {
        using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.ConnectionString) { Pooling = false }.ConnectionString);
        connection.Open();
        // Before the transaction, which must not lock the journal, because the scripts run on another connection.
        RefuseEdited(connection);
        using var transaction = WaitForTurn(connection);
        var result = Engine(connection).PerformUpgrade();
        if (!result.Successful)
            throw new MigrationFailedException(result.ErrorScript?.Name, result.Error);
        foreach (var script in result.Scripts)
            logger.LogInformation("Applied {Script}", script.Name);
        Sign(connection);
        foreach (var step in steps)
            step.Apply(connection);
        transaction.Commit();
    }

    private void RefuseEdited(NpgsqlConnection connection)
    {
        if (!connection.ExecuteScalar<bool>(HasJournal))
            return;
        // By jsonb, because the column does not exist before 0013.
        var recorded = connection.Query<(string Script, string Checksum)>("""
            select scriptname, to_jsonb(entry) ->> 'checksum'
            from public.schema_versions entry
            where to_jsonb(entry) ->> 'checksum' is not null
            """).ToDictionary(entry => entry.Script, entry => entry.Checksum);
        foreach (var script in Scripts)
        {
            if (recorded.TryGetValue(script.Name, out var checksum) && checksum != Checksum(script))
                throw new MigrationFailedException(
                    $"The script {script.Name} was edited after it had been applied to this database. Restore it, and make the change in a new script.");
        }
    }

    /// <summary>Stores the checksums of new scripts and of those that an older build applied.</summary>
    private void Sign(NpgsqlConnection connection)
    {
        if (connection.ExecuteScalar<bool>("""
            select exists (
              select
              from information_schema.columns
              where table_schema = 'public' and table_name = 'schema_versions' and column_name = 'checksum'
            )
            """))
            connection.Execute("""
                update public.schema_versions
                set checksum = script.checksum
                from unnest(@names, @checksums) as script (name, checksum)
                where scriptname = script.name and schema_versions.checksum is null
                """, new { names = Scripts.Select(script => script.Name).ToArray(), checksums = Scripts.Select(Checksum).ToArray() });
    }

    private static string Checksum(SqlScript script) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        script.Contents.ReplaceLineEndings("\n"))));

    private const string HasJournal = "select to_regclass('public.schema_versions') is not null";

    /// <summary>
    /// Waits for the upgrades of other instances. Behind a transaction pooler, a session lock would never be released, so this is a
    /// transaction lock; and each attempt is a new transaction, so that waiting does not occupy one of the pooler's connections.
    /// </summary>
    /// <returns>The transaction that holds the lock.</returns>
    private static NpgsqlTransaction WaitForTurn(NpgsqlConnection connection)
    {
        for (; ; Thread.Sleep(50))
        {
            var transaction = connection.BeginTransaction();
            var ours = connection.ExecuteScalar<bool>("""
                set local statement_timeout = 0;
                set local lock_timeout = 0;
                set local idle_in_transaction_session_timeout = 0;
                select pg_try_advisory_xact_lock(@UpgradeLock);
                """, new { UpgradeLock });
            if (ours)
                return transaction;
            transaction.Dispose();
        }
    }

    public Task<IReadOnlyList<MigrationStatus>> Status(CancellationToken ct) =>
        database.Primary.Read<IReadOnlyList<MigrationStatus>>(async connection =>
        {
            var applied = await connection.ExecuteScalarAsync<bool>(HasJournal, null, ct)
                ? (await connection.QueryAsync<string>(
                    "select scriptname from public.schema_versions", null, ct)).ToHashSet()
                : [];
            return [.. Scripts.Select(script => new MigrationStatus(script.Name, applied.Contains(script.Name)))];
        }, ct);

    private UpgradeEngine Engine(NpgsqlConnection primary) => DeployChanges.To
        // DbUp cannot choose between hosts.
        .PostgresqlDatabase(new NpgsqlConnectionStringBuilder(database.ConnectionString)
        {
            Host = primary.Host,
            Port = primary.Port,
            TargetSessionAttributes = null,
            Pooling = false,
            // Indexes on large tables take long.
            CommandTimeout = 0,
        }.ConnectionString)
        .WithScripts(Scripts)
        .JournalToPostgresqlTable("public", "schema_versions")
        .WithTransaction()
        // DbUp would treat $body$ as a variable.
        .WithVariablesDisabled()
        .LogToNowhere()
        .Build();

    private static List<SqlScript> ReadScripts()
    {
        var assembly = typeof(Migrations).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith("db/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name =>
            {
                using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
                return new SqlScript(name["db/".Length..], reader.ReadToEnd());
            })];
    }
}

internal sealed class MigrationFailedException : Exception
{
    public MigrationFailedException(string message) : base(message)
    {
    }

    public MigrationFailedException(string? script, Exception cause)
        : base($"The migration {script ?? "journal"} failed, and the schema was left as it was: {cause.Message}", cause)
    {
    }
}
