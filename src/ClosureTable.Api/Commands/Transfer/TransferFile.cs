using System.Text.Json;
using System.Xml;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Reads the records of a file and detects its format.</summary>
internal static class TransferFile
{
    /// <summary>The longest line of an export: enough for a comment with a hundred thousand likes.</summary>
    private const int LongestLine = 16 * 1024 * 1024;

    /// <exception cref="TransferFormatException">While enumerating: the file is invalid from here on.</exception>
    public static IEnumerable<TransferRecord> Read(Stream file)
    {
        var buffered = new BufferedStream(file, 64 * 1024);
        var first = FirstByte(buffered, out var rest);
        return first switch
        {
            (byte)'{' => Lines(rest),
            (byte)'<' => Markup(rest),
            _ => throw new TransferFormatException("This is neither an export of this service (JSON lines) nor one of Disqus or WordPress (XML)."),
        };
    }

    /// <summary>Finds the first significant byte, in a stream that may be a pipe.</summary>
    private static int FirstByte(Stream file, out Stream rest)
    {
        var head = new byte[1024];
        var length = file.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        rest = new PrefixedStream(head.AsMemory(0, length), file);
        var text = head.AsSpan(0, length);
        if (text.StartsWith("\uFEFF"u8))
            text = text[3..];
        return text.TrimStart(" \t\r\n"u8) is [var first, ..] ? first : -1;
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

    /// <summary>The parser's message, without type names.</summary>
    private static string Reason(Exception exception) => exception is JsonException { Path: { } path } json
        ? $"see {path}, byte {json.BytePositionInLine}."
        : "it is not JSON of a known type.";

    /// <summary>Like <see cref="TextReader.ReadLine"/>, but limits the length of a line.</summary>
    private static string? ReadLine(StreamReader reader, int number)
    {
        var line = new System.Text.StringBuilder();
        int character;
        while ((character = reader.Read()) is not (-1 or '\n'))
        {
            if (line.Length == LongestLine)
                throw new TransferFormatException($"Line {number} is longer than {LongestLine:N0} characters.");
            line.Append((char)character);
        }

        return character == -1 && line.Length == 0 ? null : line.ToString();
    }

    private static IEnumerable<TransferRecord> Markup(Stream file)
    {
        using var xml = new MarkupReader(file);
        using var records = (xml.Root switch
        {
            "disqus" => DisqusFormat.Read(xml),
            "rss" => WordPressFormat.Read(xml),
            var other => throw new TransferFormatException($"<{other}> is neither an export of Disqus (<disqus>) nor one of WordPress (<rss>)."),
        }).GetEnumerator();
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
    }

    /// <summary>Returns the bytes that were read ahead, then the rest of the stream.</summary>
    private sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            if (prefix.IsEmpty)
                return rest.Read(buffer);
            var count = Math.Min(prefix.Length, buffer.Length);
            prefix.Span[..count].CopyTo(buffer);
            prefix = prefix[count..];
            return count;
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
