using CliWrap;
using CliWrap.Buffered;

namespace ClosureTable.LocalPostgres;

/// <summary>The operating system's user that runs the server: PostgreSQL refuses to run as root.</summary>
internal sealed class ServerAccount
{
    private readonly string? _other;

    private ServerAccount(string? other) => _other = other;

    /// <summary>The current user; for root the owner of the data, or else <c>postgres</c>, or else <c>nobody</c>.</summary>
    public static async Task<ServerAccount> For(ServerDirectory directory, CancellationToken ct)
    {
        if (OperatingSystem.IsWindows() || !Environment.IsPrivilegedProcess) return new ServerAccount(null);

        var owner = (await Output(Cli.Wrap("ls").WithArguments(["-ld", directory.Data]), ct))?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2];
        var account = new ServerAccount(owner ?? (await Output(Cli.Wrap("id").WithArguments("postgres"), ct) is null ? "nobody" : "postgres"));
        if (!await account.CanEnter(directory, ct)) File.SetUnixFileMode(directory.Root, File.GetUnixFileMode(directory.Root) | ServerDirectory.Passable);
        if (!await account.CanEnter(directory, ct))
        {
            throw new PostgresStartException($"""
                PostgreSQL does not run as root, so it runs as {account._other} here, who cannot enter {directory.Root}.
                Set LocalPostgres__DataDirectory to a directory that other users can reach (such as one below /var/lib), or run the service as an ordinary user.
                """);
        }
        return account;
    }

    private async Task<bool> CanEnter(ServerDirectory directory, CancellationToken ct) =>
        await Output(Command("ls", ["-d", directory.Root + "/."]), ct) is not null;

    /// <summary>A command that runs as this user.</summary>
    public Command Command(string program, IReadOnlyList<string> arguments)
    {
        IReadOnlyList<string> all = _other is null ? [program, .. arguments]
            : File.Exists("/usr/sbin/runuser") || File.Exists("/sbin/runuser") ? ["runuser", "-u", _other, "--", program, .. arguments] // Linux
            : OperatingSystem.IsMacOS() ? ["sudo", "-n", "-u", _other, "--", program, .. arguments]
            : ["su", "-s", "/bin/sh", "-c", "exec \"$0\" \"$@\"", "--", _other, program, .. arguments]; // Alpine

        // The server's user may not be able to enter the working directory.
        return Cli.Wrap(all[0]).WithArguments(all.Skip(1)).WithWorkingDirectory("/").WithValidation(CommandResultValidation.None);
    }

    /// <summary>Gives a file or directory to this user.</summary>
    public async Task Own(string path, CancellationToken ct)
    {
        if (_other is not null) await Cli.Wrap("chown").WithArguments([_other, path]).ExecuteBufferedAsync(ct);
    }

    private static async Task<string?> Output(Command command, CancellationToken ct)
    {
        var result = await command.WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(ct);
        return result.IsSuccess ? result.StandardOutput : null;
    }
}
