using System.CommandLine;
using ClosureTable.Api.Commands.Transfer;

namespace ClosureTable.Api.Commands;

internal static class ExportCommand
{
    public static Command Create()
    {
        var topic = new Option<string?>("--topic") { Description = "Only the threads of this topic." };
        var file = new Option<FileInfo?>("--output") { Description = "The file to write, which must not exist; by default standard output." };
        return new Command("export", "Write threads with their likes, revisions and users as JSON lines, for import. The file contains e-mail addresses: keep it safe.")
        {
            topic, file,
        }.OnDatabase(async (command, ct) =>
        {
            await using var output = command.Line.GetValue(file) is { } target ? CreateFile(target) : Console.OpenStandardOutput();
            await using var buffered = new BufferedStream(output, 64 * 1024);
            var written = await new Export(command.Primary).Run(
                command.Line.GetValue(topic), buffered, count => command.Error.WriteLine($"… {count:N0} comments"), ct);
            command.Error.WriteLine($"Exported {written:N0} comments.");
            return 0;
        });
    }

    /// <summary>The file contains e-mail addresses, so only its owner may read it.</summary>
    private static FileStream CreateFile(FileInfo file)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(file.FullName, options);
    }
}
