namespace ClosureTable.LocalPostgres;

/// <summary>Where the private PostgreSQL keeps its data and how it runs. The defaults are for development.</summary>
public sealed record LocalPostgresOptions
{
    /// <summary>
    /// The directory of the data, the log and the locks. Default: <c>ClosureTable/postgres</c> in the user's local application
    /// data; for root <c>/var/lib/closuretable/postgres</c>, because another user runs the server and cannot enter <c>/root</c>.
    /// </summary>
    public string? DataDirectory { get; init; }

    /// <summary><see cref="DataDirectory"/> or its default. Other files of this installation may be kept there too.</summary>
    public string EffectiveDataDirectory => Path.TrimEndingDirectorySeparator(Path.GetFullPath(DataDirectory ?? ServerDirectory.Default()));

    /// <summary>The directory of <c>initdb</c>, <c>pg_ctl</c> and <c>postgres</c>. By default the usual places are searched.</summary>
    public string? BinDirectory { get; init; }

    /// <summary>The database that <see cref="LocalServer.ConnectionString"/> names; created if it is missing.</summary>
    public string Database { get; init; } = "closuredb";

    /// <summary>Whether commits survive a power failure. <see langword="false"/> turns <c>fsync</c> off, for tests only.</summary>
    public bool Durable { get; init; } = true;

    /// <summary>Further settings of <c>postgresql.conf</c>. They apply when a server starts, not when a running one is shared.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();

    /// <summary>The image to run if there are no binaries but a Docker engine.</summary>
    public string DockerImage { get; init; } = "postgres:15";

    /// <summary>Whether the server listens on a Unix socket; otherwise it listens on a loopback port, with a password.</summary>
    internal bool UnixSocket { get; init; } = !OperatingSystem.IsWindows();

    /// <summary>Where to look for binaries; for tests of a machine without PostgreSQL.</summary>
    internal IReadOnlyList<string>? SearchDirectories { get; init; }

    /// <summary>The Docker command; tests replace it.</summary>
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
