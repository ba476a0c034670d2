using System.CommandLine;
using System.Globalization;
using ClosureTable.Api.Commands.Transfer;
using Npgsql;

namespace ClosureTable.Api.Commands;

internal static class ExportCommand
{
    public static Command Create()
    {
        var topic = new Option<string?>("--topic") { Description = "Only the threads of this topic." };
        var file = new Option<FileInfo?>("--output") { Description = "The file to write, which must not exist; by default standard output." };
        var command = new Command("export", "Write threads with their likes, revisions and users as JSON lines, for import. The file contains e-mail addresses: keep it safe.")
        {
            topic, file,
        };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, _, ct) =>
        {
            await using var output = result.GetValue(file) is { } target ? Create(target) : Console.OpenStandardOutput();
            await using var buffered = new BufferedStream(output, 64 * 1024);
            var error = result.InvocationConfiguration.Error;
            var written = await new Export(services.GetRequiredService<NpgsqlDataSource>()).Run(result.GetValue(topic), buffered,
                sofar => error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"… {sofar:N0} comments")), ct);
            await error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"Exported {written:N0} comments."));
            return 0;
        }, ct));
        return command;
    }

    /// <summary>It contains e-mail addresses, so only its owner can read it.</summary>
    private static FileStream Create(FileInfo file)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(file.FullName, options);
    }
}
