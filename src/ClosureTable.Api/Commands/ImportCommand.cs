using System.CommandLine;
using System.Globalization;
using ClosureTable.Api.Commands.Transfer;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Commands;

internal static class ImportCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "An export of this program, Disqus XML or WordPress WXR; - for standard input." };
        var source = new Option<string?>("--source") { Description = "The name under which comment ids are recorded; by default the file's." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Read and check everything; write nothing." };
        var command = new Command("import", "Add threads from a file. When run again, it resumes and adds only what is new.") { file, source, dryRun };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            services.GetRequiredService<Migrations>().Apply();
            var options = services.GetRequiredService<IConfiguration>().GetSection("Comments").Get<CommentOptions>() ?? new();
            var name = result.GetRequiredValue(file);
            var dry = result.GetValue(dryRun);
            await using var input = name == "-" ? Console.OpenStandardInput() : File.OpenRead(name);
            var import = new Import(services.GetRequiredService<NpgsqlDataSource>(), options.MaxDepth, dry);
            try
            {
                Tell(output, await import.Run(TransferFile.Read(input), result.GetValue(source),
                    report => output.WriteLine(Line($"… {report.Comments:N0} new, {report.Known:N0} imported before")), ct), dry);
                return import.Report.Refused == 0 ? 0 : 1;
            }
            catch (TransferFormatException broken)
            {
                Tell(output, import.Report, dry);
                await result.InvocationConfiguration.Error.WriteLineAsync(broken.Message);
                return 1;
            }
        }, ct));
        return command;
    }

    private static void Tell(TextWriter output, ImportReport report, bool dryRun)
    {
        output.WriteLine(Line($"{(dryRun ? "Would import" : "Imported")} {report.Comments:N0} comments, {report.Tombstones:N0} of them tombstones, with {report.Likes:N0} likes; {report.Known:N0} were imported before."));
        Say(report.Placeholders, "authors have no account here and became placeholders that cannot sign in.");
        Say(report.Pruned, "deleted or unpublished comments without replies were skipped.");
        Say(report.Shortened, "texts were cut to 10,000 characters.");
        Say(report.Raised, "comments were attached higher up because of the maximum depth (Comments__MaxDepth).");
        Say(report.Refused, "comments were rejected:");
        report.Reasons.ForEach(output.WriteLine);

        void Say(long count, string what)
        {
            if (count > 0)
                output.WriteLine(Line($"{count:N0} {what}"));
        }
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
