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
        var file = new Argument<string>("file") { Description = "What export wrote, Disqus' XML or WordPress' WXR; - is the standard input." };
        var source = new Option<string?>("--source") { Description = "Under which name the comments' ids are remembered; by default the file says it." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Read and check everything; write nothing." };
        var command = new Command("import", "Add threads from a file. Run again, it goes on where it stopped and adds what is new.") { file, source, dryRun };
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
                    report => output.WriteLine(Line($"… {report.Comments:N0} new, {report.Known:N0} known")), ct), dry);
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
        output.WriteLine(Line($"{(dryRun ? "Would import" : "Imported")} {report.Comments:N0} comments, {report.Tombstones:N0} of them tombstones, with {report.Likes:N0} likes; {report.Known:N0} were known."));
        Say(report.Placeholders, "authors have no account here and got a placeholder that cannot sign in.");
        Say(report.Pruned, "deleted or unpublished comments without replies were left out.");
        Say(report.Shortened, "texts were cut to 10,000 characters.");
        Say(report.Raised, "comments hang higher than they did: the tree goes no deeper here (Comments__MaxDepth).");
        Say(report.Refused, "comments could not be taken:");
        report.Reasons.ForEach(output.WriteLine);

        void Say(long count, string what)
        {
            if (count > 0)
                output.WriteLine(Line($"{count:N0} {what}"));
        }
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
