using System.Globalization;
using System.Text;
using System.Xml;
using NUglify;
using NUglify.Html;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>
/// What the readers of Disqus and WordPress exports share. The files may be hostile: no document types, no entities, nothing
/// fetched, and a bounded amount of memory, time and stack for each comment.
/// </summary>
internal static class Markup
{
    /// <summary>Ten times the longest comment: room for its markup.</summary>
    private const int MaxText = 100_000;

    private const int MaxFields = 100;

    private const int MaxNameLength = 100;

    /// <summary>NUglify recurses into nested elements.</summary>
    private const int MaxTags = 2000;

    /// <returns>A reader at the document's element.</returns>
    public static XmlReader Open(Stream file)
    {
        var xml = XmlReader.Create(file, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
        });
        xml.MoveToContent();
        return xml;
    }

    /// <summary>The child elements of the current one. What is not read of a child is skipped.</summary>
    public static IEnumerable<XmlReader> Children(this XmlReader xml)
    {
        while (xml.Read() && xml.Depth > 0)
        {
            if (xml.NodeType != XmlNodeType.Element)
                continue;
            var child = xml.ReadSubtree();
            child.Read();
            yield return child;
            // Dispose() would hide broken XML, and would read an abandoned file to its end.
            while (child.Read())
            {
            }
        }
    }

    /// <summary>The attribute <c>id</c> of the current element, in any namespace.</summary>
    public static string? Id(this XmlReader xml)
    {
        string? id = null;
        for (var more = xml.MoveToFirstAttribute(); more; more = xml.MoveToNextAttribute())
            id = xml.LocalName == "id" ? xml.Value : id;
        xml.MoveToElement();
        return id;
    }

    /// <summary>
    /// The texts in the current element by their path, as in <c>author/name</c>, its own text under the empty path; ids as in
    /// <c>parent@id</c>. No field is deeper than that.
    /// </summary>
    public static MarkupFields Fields(this XmlReader xml)
    {
        var fields = new Dictionary<string, StringBuilder>();
        var path = new string?[] { "", null, null };
        var chunk = new char[4096];
        while (xml.Read())
        {
            var depth = xml.Depth;
            if (xml.NodeType == XmlNodeType.Element && depth < path.Length)
            {
                path[depth] = xml.LocalName.Length > MaxNameLength ? null : depth == 1 ? xml.LocalName : $"{path[1]}/{xml.LocalName}";
                if (path[depth] is { } element && xml.Id() is { } id)
                    Field($"{element}@id")?.Append(id);
            }
            else if (xml.NodeType is XmlNodeType.Text or XmlNodeType.CDATA && depth <= path.Length && Field(path[depth - 1]) is { } text)
            {
                while (text.Length < MaxText && xml.ReadValueChunk(chunk, 0, Math.Min(chunk.Length, MaxText - text.Length)) is > 0 and var read)
                    text.Append(chunk, 0, read);
            }
        }

        return new(fields);

        StringBuilder? Field(string? name) =>
            name is null ? null
            : fields.TryGetValue(name, out var known) ? known
            : fields.Count < MaxFields ? fields[name] = new() : null;
    }

    /// <summary>A comment that cannot be read does not stop the import.</summary>
    public static TransferRecord OrRefusal(Func<TransferComment> read)
    {
        try
        {
            return read();
        }
        catch (TransferFormatException unreadable)
        {
            return new TransferRefusal(unreadable.Message);
        }
    }

    /// <summary>Comments are plain text here: paragraphs, line breaks and the text of everything else stay.</summary>
    public static string PlainText(string? html, string commentId) =>
        string.IsNullOrWhiteSpace(html) ? ""
        : html.AsSpan().Count('<') > MaxTags ? throw new TransferFormatException($"Comment {commentId} has more than {MaxTags:N0} tags.")
        : Uglify.HtmlToText(html, HtmlToTextOptions.KeepStructure).Code?.Trim() ?? "";

    /// <summary>The page's address without its query: the topic that the embedded thread uses by default.</summary>
    public static string TopicOf(string? link) =>
        Uri.TryCreate(link?.Trim(), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri.GetLeftPart(UriPartial.Path) : link?.Trim() ?? "";

    public static DateTime Time(string? text, string commentId) =>
        DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time : throw new TransferFormatException($"The time of comment {commentId} is invalid: '{text}'.");

    /// <param name="account">The author's id where the export comes from.</param>
    public static TransferUser? Author(string? account, string? name, string? email)
    {
        var id = account is { Length: > 0 } ? account
            : email is { Length: > 0 } ? $"mailto:{email.ToLowerInvariant()}"
            : name is { Length: > 0 } ? $"name:{name}" : null;
        return id is null ? null : new TransferUser { Id = id, Name = name ?? "", Email = email };
    }
}

/// <summary>The texts of an element; null where there is none.</summary>
internal sealed class MarkupFields(Dictionary<string, StringBuilder> texts)
{
    public string? this[string path] => texts.GetValueOrDefault(path)?.ToString();
}
