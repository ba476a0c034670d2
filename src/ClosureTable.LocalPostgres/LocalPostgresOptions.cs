namespace ClosureTable.LocalPostgres;

/// <summary>Where the private PostgreSQL lives and how it runs. The defaults suit development.</summary>
public sealed record LocalPostgresOptions
{
    /// <summary>
    /// The directory that holds the data, the log and the locks. One server runs on it, however many processes use it.
    /// Default: <c>ClosureTable/postgres</c> in the user's local application data; <c>/var/lib/closuretable/postgres</c>
    /// for root, because the server then runs as another user, who cannot enter <c>/root</c>.
    /// </summary>
    public string? DataDirectory { get; init; }

    /// <summary><see cref="DataDirectory"/>, or what stands for it where it is not set: other things of this installation may be kept there too.</summary>
    public string EffectiveDataDirectory => Path.TrimEndingDirectorySeparator(Path.GetFullPath(DataDirectory ?? ServerDirectory.Default()));

    /// <summary>The directory of <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>. Default: looked for, see <see cref="PostgresNotFoundException"/>.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>The database that <see cref="LocalServer.ConnectionString"/> names; created where it is missing.</summary>
    public string Database { get; init; } = "closuredb";

    /// <summary>
    /// Whether what was committed survives a power failure. <see langword="false"/> turns <c>fsync</c> off, for tests alone:
    /// after a crash of the machine the data may be beyond repair.
    /// </summary>
    public bool Durable { get; init; } = true;

    /// <summary>Further settings of <c>postgresql.conf</c>. They take effect when a server starts, not when a running one is adopted.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The image to run where there are no binaries but a Docker engine answers.</summary>
    public string DockerImage { get; init; } = "postgres:15";

    /// <summary>Whether the server listens on a Unix socket; else on a loopback port, with a password.</summary>
    internal bool UnixSocket { get; init; } = !OperatingSystem.IsWindows();

    /// <summary>Where to look for binaries when <see cref="BinDirectory"/> does not say. Tests put a machine without PostgreSQL here.</summary>
    internal IReadOnlyList<string>? SearchDirectories { get; init; }

    /// <summary>The Docker command. Tests put another one here.</summary>
    internal string Docker { get; init; } = "docker";

    /// <summary>Every setting of the server that does not depend on where it runs.</summary>
    internal IEnumerable<KeyValuePair<string, string>> AllSettings =>
    [
        new("timezone", "UTC"),
        new("log_timezone", "UTC"),
        .. Durable ? [] : new Dictionary<string, string> { ["fsync"] = "off", ["synchronous_commit"] = "off", ["full_page_writes"] = "off" },
        .. Settings,
    ];
}
