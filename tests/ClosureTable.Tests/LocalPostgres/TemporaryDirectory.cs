using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>A data directory of a test's own, and what the tests do with one.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    // Not CreateTempSubdirectory: that shuts out every other user, but for root the server runs as one.
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"closuretable-test-{Guid.NewGuid():n}");

    public LocalPostgresOptions Options => new() { DataDirectory = Path, Durable = false };

    /// <summary>The process id of the server in PostgreSQL's own file; <see langword="null"/> if there is none.</summary>
    public int? Postmaster => System.IO.Path.Combine(Path, "data", "postmaster.pid") is var file && File.Exists(file)
        ? int.Parse(File.ReadLines(file).First(), null)
        : null;

    public Task<LocalServer> Start(LocalPostgresOptions? options = null) =>
        LocalServer.Start(options ?? Options, NullLogger.Instance, TestContext.Current.CancellationToken);

    public static async Task<T> Query<T>(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public void Dispose()
    {
        if (Directory.Exists(Path)) Directory.Delete(Path, recursive: true);
    }
}
