using System.Diagnostics;
using CliWrap.Buffered;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ClosureTable.LocalPostgres;

/// <summary>PostgreSQL from local binaries. Its <c>postmaster.pid</c> says whether it runs and where it listens.</summary>
internal sealed class PostgresProcess(
    ServerDirectory directory, PostgresBinaries binaries, ServerAccount account, LocalPostgresOptions options, ILogger logger) : IPostgres
{
    private const int SocketPort = 5432;
    private const long LogLimit = 10 << 20;
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private string Unfinished => directory.Data + ".new-";
    private string PidFile => Path.Combine(directory.Data, "postmaster.pid");

    public async Task<NpgsqlConnectionStringBuilder?> FindRunning(CancellationToken ct)
    {
        // A server that is starting, recovering or stopping has its file but refuses connections.
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(PollInterval, ct))
        {
            if (await ReadPidFile(ct) is not { } found) return null;
            var refusal = found.Server is null ? null : await found.Server.Refusal(ct);
            if (found.Server is not null && refusal is null) return found.Server;
            if (refusal is not PostgresException { SqlState: PostgresErrorCodes.CannotConnectNow } && !IsOurs(found.Pid))
            {
                // Killed, or the machine crashed. PostgreSQL would refuse to start if another process, or a zombie, has this id by now.
                // Its shared memory still keeps it from starting beside surviving backends.
                if (found.Server is { Host: ['/', ..] sockets } gone && Directory.Exists(sockets)) File.Delete(Path.Combine(sockets, $".s.PGSQL.{gone.Port}.lock"));
                File.Delete(PidFile);
                return null;
            }
            if (waited.Elapsed > Patience)
                throw new PostgresStartException($"The PostgreSQL server with process id {found.Pid} holds {directory.Data} but refuses connections: {refusal?.Message} Its log is {directory.Log}.");
        }
    }

    public async Task<NpgsqlConnectionStringBuilder> Start(CancellationToken ct)
    {
        if (directory.Version is null) await CreateData(ct);
        if (File.Exists(directory.Log) && new FileInfo(directory.Log).Length > LogLimit) File.Delete(directory.Log);

        for (var attempt = 1; ; attempt++)
        {
            await WriteSettings(ct);
            var logged = File.Exists(directory.Log) ? new FileInfo(directory.Log).Length : 0;
            var launched = await Launch();

            // Even after a failure: a service killed while starting a server leaves one that comes up a moment later and blocks ours.
            if (await FindRunning(ct) is { } server) return server;

            var log = ReadLog(logged);
            // Backends of a killed server end after a moment; the port may have been taken since it was chosen.
            var passing = log.Contains("still in use", StringComparison.Ordinal) || log.Contains("could not bind", StringComparison.Ordinal);
            if (launched || !passing || attempt == 20)
                throw new PostgresStartException($"PostgreSQL {binaries.Version} in {binaries.Directory} does not run on {directory.Data}. Its log says:{Environment.NewLine}{log}");
            await Task.Delay(PollInterval * 10, ct);
        }
    }

    public async Task Stop()
    {
        var stop = await account.Command(binaries.Path("pg_ctl"), ["stop", "-D", directory.Data, "-m", "fast", "-s", "-w", "-t", "60"]).ExecuteBufferedAsync();
        // It may have been stopped by an operator, or by the machine's shutdown.
        if (!stop.IsSuccess && await ReadPidFile(CancellationToken.None) is { } found && IsOurs(found.Pid))
            throw new PostgresStopException($"PostgreSQL in {directory.Data} does not stop: {stop.StandardError.Trim()}");
    }

    private string ReadLog(long from)
    {
        if (!File.Exists(directory.Log)) return "";
        using var log = new StreamReader(directory.Log);
        log.BaseStream.Seek(from, SeekOrigin.Begin);
        return log.ReadToEnd().Trim();
    }

    /// <summary>
    /// Creates the data in another directory and moves it when it is complete. Its name is new each time, because the initdb of a
    /// killed service may still be running.
    /// </summary>
    private async Task CreateData(CancellationToken ct)
    {
        logger.LogInformation("Creating a private PostgreSQL {Version} in {Directory}", binaries.Version, directory.Root);
        directory.ReadOrCreatePassword();
        await account.Own(directory.Password, ct);

        var unfinished = Unfinished + Guid.NewGuid().ToString("n");
        Directory.CreateDirectory(unfinished);
        await account.Own(unfinished, ct);

        // The C locale sorts fastest and the same everywhere; the character type is for full-text search.
        // Sockets need no password: only the server's user and root can enter their directory.
        var initdb = await account.Command(binaries.Path("initdb"),
        [
            "-D", unfinished, "-U", IPostgres.User, "--pwfile", directory.Password, "--auth-local=trust", "--auth-host=scram-sha-256",
            "--encoding=UTF8", "--locale=C", .. Letters(), .. options.Durable ? Array.Empty<string>() : ["--no-sync"],
        ]).ExecuteBufferedAsync(ct);
        if (!initdb.IsSuccess) throw new PostgresStartException($"initdb in {binaries.Directory} failed: {initdb.StandardError.Trim()}");

        await File.AppendAllTextAsync(Path.Combine(unfinished, "postgresql.conf"), "\ninclude = '../closuretable.conf' # written at each start\n", ct);
        Directory.Move(unfinished, directory.Data);
        foreach (var abandoned in Directory.GetDirectories(directory.Root, Path.GetFileName(Unfinished) + "*"))
        {
            try
            {
                Directory.Delete(abandoned, recursive: true);
            }
            catch (IOException e)
            {
                logger.LogInformation("{Directory} is abandoned but cannot be deleted yet: {Reason}", abandoned, e.Message);
            }
        }
    }

    private static string[] Letters() =>
        OperatingSystem.IsWindows() ? [] : OperatingSystem.IsMacOS() ? ["--lc-ctype=UTF-8"] : ["--lc-ctype=C.UTF-8"];

    private async Task WriteSettings(CancellationToken ct)
    {
        KeyValuePair<string, string>[] place = options.UnixSocket
            ? [new("listen_addresses", ""), new("unix_socket_directories", await CreateSocketDirectory(ct)), new("port", $"{SocketPort}")]
            : [new("listen_addresses", "127.0.0.1"), new("unix_socket_directories", ""), new("port", $"{Connections.FreePort()}")];
        var lines = place.Concat(options.AllSettings).Select(setting => $"{setting.Key} = '{setting.Value.Replace("'", "''", StringComparison.Ordinal)}'");
        await File.WriteAllLinesAsync(directory.Settings, lines, ct);
        await account.Own(directory.Settings, ct);
    }

    /// <summary>A directory that only the server's user can enter: beside the data if the path is short enough for a socket.</summary>
    private async Task<string> CreateSocketDirectory(CancellationToken ct)
    {
        const int longest = 103 - 14; // macOS allows 103 bytes (Linux 107); /.s.PGSQL.5432 takes 14
        var fits = directory.Sockets.Length <= longest && directory.Sockets.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_');
        var sockets = fits ? directory.Sockets : Path.Combine(Environment.IsPrivilegedProcess ? "/var/run" : "/tmp", $"closuretable-{directory.Fingerprint}");
        if (OperatingSystem.IsWindows()) return sockets;

        try
        {
            Directory.CreateDirectory(sockets, ServerDirectory.UserOnly);
            // In /tmp another user may have created it first. Only the owner can set the mode, and a link could lead elsewhere.
            if (new DirectoryInfo(sockets).LinkTarget is not null) throw new UnauthorizedAccessException("It is a symbolic link.");
            File.SetUnixFileMode(sockets, ServerDirectory.UserOnly);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new PostgresStartException($"The socket directory {sockets} cannot be used: {e.Message} Remove it, or set LocalPostgres__DataDirectory to a shorter path.");
        }
        await account.Own(sockets, ct);
        return sockets;
    }

    /// <summary>
    /// pg_ctl starts the server in its own session, and on Windows without a window, so that Ctrl+C reaches the service only. No output
    /// is redirected: the server would inherit the pipe. Not cancelled: a server would be left behind.
    /// </summary>
    private async Task<bool> Launch()
    {
        var command = account.Command(binaries.Path("pg_ctl"), ["start", "-D", directory.Data, "-l", directory.Log, "-s", "-w", "-t", "60"]);
        using var pgCtl = Process.Start(new ProcessStartInfo(command.TargetFilePath, command.Arguments)
        {
            WorkingDirectory = command.WorkingDirPath,
            CreateNoWindow = true,
        })!;
        await pgCtl.WaitForExitAsync();
        return pgCtl.ExitCode == 0;
    }

    /// <summary>postmaster.pid has a line each for process id, data directory, start time, port, socket directory and listen address.</summary>
    private async Task<(int Pid, NpgsqlConnectionStringBuilder? Server)?> ReadPidFile(CancellationToken ct)
    {
        string[] lines;
        try
        {
            lines = await File.ReadAllLinesAsync(PidFile, ct);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        if (lines.Length == 0 || !int.TryParse(lines[0], out var pid)) return (0, null);
        if (lines.Length < 6 || (lines[4] is "" ? lines[5] : lines[4]) is not { Length: > 0 } host) return (pid, null);
        return (pid, Connections.Server(host, int.Parse(lines[3], null), host.StartsWith('/') ? null : directory.ReadOrCreatePassword()));
    }

    /// <summary>Whether the process looks like a PostgreSQL server of this directory.</summary>
    private bool IsOurs(int pid)
    {
        try
        {
            // A zombie has an empty command line.
            if (OperatingSystem.IsLinux()) return File.ReadAllText($"/proc/{pid}/cmdline").Contains(directory.Data, StringComparison.Ordinal);
            using var process = Process.GetProcessById(pid);
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException)
        {
            return false;
        }
    }
}
