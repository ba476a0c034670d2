namespace ClosureTable.LocalPostgres;

/// <summary>Where the private PostgreSQL keeps its data and how it runs. The defaults are for development.</summary>
public sealed record LocalPostgresOptions
{
    /// <summary>
    /// The directory of the data, the log and the locks. Default: <c>ClosureTable/postgres</c> in the user's local application data, or
    /// <c>/var/lib/closuretable/postgres</c> for root, whose server runs as another user that cannot enter <c>/root</c>.
    /// </summary>
    public string? DataDirectory { get; init; }

    /// <see cref="DataDirectory"/>, or its default.
    public string EffectiveDataDirectory => Path.TrimEndingDirectorySeparator(Path.GetFullPath(DataDirectory ?? ServerDirectory.Default()));

    /// <summary>The directory of <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>. By default it is searched for.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>The database in <see cref="LocalServer.ConnectionString"/>; created if it is missing.</summary>
    public string Database { get; init; } = "closuredb";

    /// <summary>
    /// Whether commits survive a power failure. <see langword="false"/> turns <c>fsync</c> off, for tests only: a crash of the machine
    /// can destroy the data.
    /// </summary>
    public bool Durable { get; init; } = true;

    /// <summary>Further settings of <c>postgresql.conf</c>. They apply when a server starts, not when a running one is shared.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The image to run if there are no binaries but a Docker engine.</summary>
    public string DockerImage { get; init; } = "postgres:15";

    /// <summary>Whether the server listens on a Unix socket instead of a loopback port with a password.</summary>
    internal bool UnixSocket { get; init; } = !OperatingSystem.IsWindows();

    /// <summary>Where to search for binaries without <see cref="BinDirectory"/>. Tests use this to simulate a machine without PostgreSQL.</summary>
    internal IReadOnlyList<string>? SearchDirectories { get; init; }

    /// <summary>The Docker command. Tests replace it.</summary>
    internal string Docker { get; init; } = "docker";

    /// <summary>The server's settings that do not depend on where it runs.</summary>
    internal IEnumerable<KeyValuePair<string, string>> AllSettings =>
    [
        new("timezone", "UTC"),
        new("log_timezone", "UTC"),
        .. Durable ? [] : new Dictionary<string, string> { ["fsync"] = "off", ["synchronous_commit"] = "off", ["full_page_writes"] = "off" },
        .. Settings,
    ];
}
