using CliWrap;
using CliWrap.Buffered;

namespace ClosureTable.LocalPostgres;

/// <summary>A directory with PostgreSQL's programs.</summary>
internal sealed record PostgresBinaries(string Directory, int Version)
{
    /// <summary>The oldest major version that the schema supports.</summary>
    public const int OldestVersion = 15;

    private static readonly string[] Programs = ["initdb", "pg_ctl", "postgres"];

    public string Path(string program) => System.IO.Path.Combine(Directory, FileName(program));

    /// <summary>The binaries in the configured directory, or else the first ones found. Existing data need the major version that created them.</summary>
    /// <exception cref="PostgresNotFoundException">There are none, or none of a suitable version.</exception>
    public static async Task<PostgresBinaries> Find(LocalPostgresOptions options, int? dataVersion, CancellationToken ct)
    {
        var passedOver = new List<string>();
        foreach (var directory in options.BinDirectory is { } named ? [named] : options.SearchDirectories ?? UsualDirectories())
        {
            if (await In(directory, ct) is not { } binaries) continue;
            if (dataVersion is { } needed ? binaries.Version == needed : binaries.Version >= OldestVersion) return binaries;
            passedOver.Add($"version {binaries.Version} in {directory}");
        }

        var wanted = dataVersion is { } made ? $"PostgreSQL {made}, which created the data," : $"PostgreSQL {OldestVersion} or later";
        var place = options.BinDirectory is null ? "on this machine" : $"in LocalPostgres__BinDirectory, {options.BinDirectory}";
        var others = passedOver.Count == 0 ? "" : $" There is {string.Join(", ", passedOver)}.";
        throw new PostgresNotFoundException($"There is no {wanted} {place}.{others}");
    }

    private static async Task<PostgresBinaries?> In(string directory, CancellationToken ct)
    {
        // Client packages contain some of the programs without the server.
        if (!Programs.All(program => File.Exists(System.IO.Path.Combine(directory, FileName(program))))) return null;
        var answer = await Cli.Wrap(System.IO.Path.Combine(directory, FileName("postgres"))).WithArguments("--version")
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(ct);
        return ParseVersion(answer.StandardOutput) is { } version ? new PostgresBinaries(directory, version) : null;
    }

    /// <summary>15 from "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 18 from "postgres (PostgreSQL) 18beta1".</summary>
    internal static int? ParseVersion(string answer)
    {
        const string name = "(PostgreSQL) ";
        if (answer.IndexOf(name, StringComparison.Ordinal) is not (>= 0 and var at)) return null;
        var digits = string.Concat(answer.Skip(at + name.Length).TakeWhile(char.IsAsciiDigit));
        return int.TryParse(digits, out var version) ? version : null;
    }

    /// <summary>The path first, then where each distribution installs its servers, newest first.</summary>
    private static IEnumerable<string> UsualDirectories() =>
    [
        .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        .. Below("/usr/lib/postgresql", "", "bin"), // Debian, Ubuntu
        .. Below("/usr", "pgsql-", "bin"), // PostgreSQL's own packages for Red Hat
        .. Below("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on ARM
        .. Below("/usr/local/opt", "postgresql@", "bin"), // Homebrew on Intel
        .. Below("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        .. Below("/Applications/Postgres.app/Contents/Versions", "", "bin"),
        .. Below("/usr/libexec", "postgresql", ""), // Alpine
        .. Below(System.IO.Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), "PostgreSQL"), "", "bin"), // Windows
    ];

    /// <summary>The directories <c>parent/prefixNN/child</c>, highest number first.</summary>
    internal static IEnumerable<string> Below(string parent, string prefix, string child) =>
        !System.IO.Directory.Exists(parent)
            ? []
            : from directory in new DirectoryInfo(parent).GetDirectories(prefix + "*")
              let version = int.TryParse(directory.Name[prefix.Length..], out var number) ? number : (int?)null
              where version is not null
              orderby version descending
              select System.IO.Path.Combine(directory.FullName, child);

    private static string FileName(string program) => OperatingSystem.IsWindows() ? program + ".exe" : program;
}
