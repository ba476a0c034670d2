using System.Diagnostics;
using CliWrap;
using ClosureTable.Api.Data;
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>A data directory of a test's own, and what the tests do with one.</summary>
internal sealed class TemporaryDirectory : IDisposable
{
    // Not CreateTempSubdirectory: that shuts out every other user, but for root the server runs as one.
    private readonly string _parent = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"closuretable-test-{Guid.NewGuid():n}");

    public TemporaryDirectory(string name = "postgres")
    {
        Directory.CreateDirectory(_parent);
        Path = System.IO.Path.Combine(_parent, name);
    }

    public string Path { get; }

    public LocalPostgresOptions Options => new() { DataDirectory = Path, Durable = false };

    public string PidFile => System.IO.Path.Combine(Path, "data", "postmaster.pid");

    /// <summary>The process id of the server, from PostgreSQL's own file; <see langword="null"/> if none runs.</summary>
    public int? Postmaster => File.Exists(PidFile) ? int.Parse(File.ReadLines(PidFile).First(), null) : null;

    public Task<LocalServer> Start(LocalPostgresOptions? options = null) =>
        LocalServer.Start(options ?? Options, NullLogger.Instance, TestContext.Current.CancellationToken);

    public static async Task<T> Query<T>(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    /// <summary>
    /// Makes a shell script that can be run. A shell of its own writes it: a file that this process had open for writing might still be open
    /// in a child that another test starts just then, and cannot be run as long as it is ("text file busy").
    /// </summary>
    public static Task WriteScript(string path, string script) => Cli.Wrap("/bin/sh").WithArguments(["-c", "cat > \"$0\" && chmod 500 \"$0\"", path])
        .WithStandardInputPipe(PipeSource.FromString($"#!/bin/sh\n{script}\n")).ExecuteAsync(TestContext.Current.CancellationToken);

    public void Dispose()
    {
        // What a test that failed left running.
        if (Postmaster is { } pid) Process.GetProcessesByName("postgres").FirstOrDefault(process => process.Id == pid)?.Kill();
        Directory.Delete(_parent, recursive: true);
    }
}
