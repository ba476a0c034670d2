using System.Security.Cryptography;
using System.Text;

namespace ClosureTable.LocalPostgres;

/// <summary>
/// The data directory and the two file locks by which processes share it. The operating system releases the locks when a process ends,
/// so there is nothing to clean up after a kill.
/// </summary>
internal sealed class ServerDirectory
{
    private static readonly TimeSpan LockPollInterval = TimeSpan.FromMilliseconds(20);

    private ServerDirectory(string root) => Root = root;

    public string Root { get; }
    public string Data => Path.Combine(Root, "data");
    public string Log => Path.Combine(Root, "data", "server.log");
    public string Settings => Path.Combine(Root, "closuretable.conf");
    public string Sockets => Path.Combine(Root, "socket");
    public string Password => Path.Combine(Root, "password");
    public string Container => Path.Combine(Root, "container");

    /// <summary>A hash of the path.</summary>
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Root)))[..12];

    /// <summary>The major version of PostgreSQL that created the data; <see langword="null"/> if there is none yet.</summary>
    public int? Version => Path.Combine(Data, "PG_VERSION") is var file && File.Exists(file) ? int.Parse(File.ReadAllText(file), null) : null;

    public static ServerDirectory Open(string path)
    {
        var directory = new ServerDirectory(path);
        try
        {
            // Other users need to enter it only if the server runs as another user than the service.
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(directory.Root);
            else Directory.CreateDirectory(directory.Root, UserOnly | (Environment.IsPrivilegedProcess ? Passable : 0));
            return directory;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw directory.NotOurs(e);
        }
    }

    private PostgresStartException NotOurs(Exception e) =>
        new($"The private PostgreSQL cannot use the directory {Root}: {e.Message} Set LocalPostgres__DataDirectory to one that this user can write to.");

    public const UnixFileMode UserOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    public const UnixFileMode Passable = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static string Default() => Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows()
        ? "/var/lib/closuretable/postgres"
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "ClosureTable", "postgres");

    /// <summary>Waits until no other process starts or stops the server, and makes others wait until disposed.</summary>
    public async Task<IDisposable> WaitForTurn(CancellationToken ct)
    {
        IDisposable? turn;
        while ((turn = TryLock("lock")) is null) await Task.Delay(LockPollInterval, ct);
        return turn;
    }

    /// <summary>Makes this process a user of the server until disposed, by a shared lock.</summary>
    public IDisposable Join() => new FileStream(Path.Combine(Root, "users"), FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read);

    /// <summary>Whether a live process uses the server.</summary>
    public bool HasUsers
    {
        get
        {
            using var alone = TryLock("users");
            return alone is null;
        }
    }

    private FileStream? TryLock(string name)
    {
        try
        {
            return new FileStream(Path.Combine(Root, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when ((e.HResult & 0xffff) is 11 or 35 or 32) // EWOULDBLOCK on Linux and on macOS, a sharing violation on Windows
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotOurs(e);
        }
    }

    /// <summary>The password of the server's user, created on first use; for servers that listen on a port.</summary>
    public string ReadOrCreatePassword()
    {
        if (!File.Exists(Password))
        {
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new StreamWriter(Password, options);
            file.Write(RandomNumberGenerator.GetHexString(32, lowercase: true));
        }
        return File.ReadAllText(Password);
    }
}
