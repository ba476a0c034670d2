using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Xml;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Reads a file of any supported format record by record; its first character tells the format.</summary>
internal static class TransferFile
{
    /// <summary>Enough for a comment with a hundred thousand likes.</summary>
    private const int MaxLineLength = 16 * 1024 * 1024;

    /// <exception cref="TransferFormatException">Also while enumerating: the file is broken from there on.</exception>
    public static IEnumerable<TransferRecord> Read(Stream file)
    {
        // A pipe shows the beginning without consuming it, even of the standard input.
        var pipe = PipeReader.Create(file, new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        var buffer = pipe.ReadAtLeastAsync(1024).AsTask().GetAwaiter().GetResult().Buffer;
        var head = Encoding.UTF8.GetString(buffer.FirstSpan).TrimStart('\uFEFF').TrimStart();
        pipe.AdvanceTo(buffer.Start);
        return head.FirstOrDefault() switch
        {
            '{' => Lines(pipe.AsStream()),
            '<' => Xml(pipe.AsStream()),
            _ => throw new TransferFormatException("This is neither an export of this service (JSON lines) nor one of Disqus or WordPress (XML)."),
        };
    }

    private static IEnumerable<TransferRecord> Lines(Stream file)
    {
        using var reader = new StreamReader(file);
        var number = 0;
        while (ReadLine(reader, ++number) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
                continue;
            TransferRecord? record;
            try
            {
                record = JsonSerializer.Deserialize<TransferRecord>(line, TransferRecord.Json);
            }
            catch (Exception exception) when (exception is JsonException or NotSupportedException or InvalidOperationException)
            {
                throw new TransferFormatException($"Line {number} is not a valid record: {Reason(exception)}", exception);
            }

            if (record is null)
                throw new TransferFormatException($"Line {number} is null.");
            if (number == 1 && record is not TransferHeader)
                throw new TransferFormatException("The first line must be the header of an export.");
            if (record is TransferHeader { Version: > TransferHeader.CurrentVersion } header)
                throw new TransferFormatException($"The export has version {header.Version}; this program reads versions up to {TransferHeader.CurrentVersion}.");
            yield return record;
        }
    }

    /// <summary>What the parser says, without the names of types.</summary>
    private static string Reason(Exception exception) => exception is JsonException { Path: { } path } json
        ? $"see {path}, byte {json.BytePositionInLine}."
        : "it is not JSON of a known type.";

    /// <summary>Like <see cref="TextReader.ReadLine"/>, but with a limit.</summary>
    private static string? ReadLine(StreamReader reader, int number)
    {
        var line = new StringBuilder();
        int character;
        while ((character = reader.Read()) is not (-1 or '\n'))
        {
            if (line.Length == MaxLineLength)
                throw new TransferFormatException($"Line {number} is longer than {MaxLineLength:N0} characters.");
            line.Append((char)character);
        }

        return character == -1 && line.Length == 0 ? null : line.ToString();
    }

    private static IEnumerable<TransferRecord> Xml(Stream file)
    {
        using var records = Records(file).GetEnumerator();
        while (true)
        {
            try
            {
                if (!records.MoveNext())
                    yield break;
            }
            catch (XmlException exception)
            {
                throw new TransferFormatException($"The XML is invalid in line {exception.LineNumber}, column {exception.LinePosition}: {exception.Message}", exception);
            }

            yield return records.Current;
        }

        static IEnumerable<TransferRecord> Records(Stream file)
        {
            using var xml = Markup.Open(file);
            var format = xml.LocalName switch
            {
                "disqus" => DisqusFormat.Read(xml),
                "rss" => WordPressFormat.Read(xml),
                var other => throw new TransferFormatException($"<{other}> is neither an export of Disqus (<disqus>) nor one of WordPress (<rss>)."),
            };
            foreach (var record in format)
                yield return record;
        }
    }
}
