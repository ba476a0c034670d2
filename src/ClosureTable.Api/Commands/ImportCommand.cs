using System.CommandLine;
using ClosureTable.Api.Commands.Transfer;

namespace ClosureTable.Api.Commands;

internal static class ImportCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "An export of this program, Disqus XML or WordPress WXR; - for standard input." };
        var source = new Option<string?>("--source") { Description = "The name under which comment ids are recorded; by default the file's." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Read and check everything; write nothing." };
        return new Command("import", "Add threads from a file. When run again, it resumes and adds only what is new.")
        {
            file, source, dryRun,
        }.OnDatabase(async (command, ct) =>
        {
            command.Migrations.Apply();
            var name = command.Line.GetRequiredValue(file);
            var dry = command.Line.GetValue(dryRun);
            await using var input = name == "-" ? Console.OpenStandardInput() : File.OpenRead(name);
            var import = new Import(command.Primary, command.MaxDepth, dry);
            try
            {
                await import.Run(TransferFile.Read(input), command.Line.GetValue(source),
                    report => command.Output.WriteLine($"… {report.Comments:N0} new, {report.Known:N0} imported before"), ct);
                Print(import.Report, dry, command.Output);
                return import.Report.Refused == 0 ? 0 : 1;
            }
            catch (TransferFormatException broken)
            {
                Print(import.Report, dry, command.Output);
                command.Error.WriteLine(broken.Message);
                return 1;
            }
        });
    }

    private static void Print(ImportReport report, bool dryRun, TextWriter output)
    {
        output.WriteLine($"{(dryRun ? "Would import" : "Imported")} {report.Comments:N0} comments, {report.Tombstones:N0} of them tombstones, with {report.Likes:N0} likes; {report.Known:N0} were imported before.");
        Count(report.Placeholders, "authors have no account here and became placeholders that cannot sign in.");
        Count(report.Pruned, "deleted or unpublished comments without replies were skipped.");
        Count(report.Shortened, "texts were cut to 10,000 characters.");
        Count(report.Raised, "comments were attached higher up because of the maximum depth (Comments__MaxDepth).");
        Count(report.Refused, "comments were rejected:");
        report.Reasons.ForEach(output.WriteLine);

        void Count(long count, string what)
        {
            if (count > 0)
                output.WriteLine($"{count:N0} {what}");
        }
    }
}
