using System.Xml;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>
/// Reads untrusted XML, forward only: document types and so entities are rejected, nothing external is fetched, and the text of an
/// element is limited.
/// </summary>
internal sealed class MarkupReader : IDisposable
{
    /// <summary>Ten times the longest comment, to allow for markup.</summary>
    private const int LongestText = 100_000;

    private readonly XmlReader xml;

    /// <exception cref="TransferFormatException">It is not XML, or has a document type.</exception>
    public MarkupReader(Stream file)
    {
        xml = XmlReader.Create(file, new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            IgnoreComments = true,
            IgnoreProcessingInstructions = true,
        });
        try
        {
            xml.MoveToContent();
        }
        catch (XmlException exception)
        {
            throw new TransferFormatException($"The XML cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>The name of the root element, without its namespace.</summary>
    public string Root => xml.LocalName;

    /// <summary>The children of the current element, in turn; what is not read of one is skipped.</summary>
    public IEnumerable<string> Children()
    {
        if (xml.IsEmptyElement)
            yield break;
        var level = xml.Depth;
        xml.Read();
        while (!xml.EOF && xml.Depth > level)
        {
            if (xml.NodeType != XmlNodeType.Element || xml.Depth != level + 1)
            {
                xml.Read();
                continue;
            }

            var before = (xml as IXmlLineInfo)!;
            var (line, column) = (before.LineNumber, before.LinePosition);
            yield return xml.LocalName;
            if (xml.NodeType == XmlNodeType.Element && before.LineNumber == line && before.LinePosition == column)
                xml.Skip();
        }
    }

    /// <summary>An attribute of the current element, in any namespace; null if there is none.</summary>
    public string? Attribute(string name)
    {
        string? value = null;
        if (xml.MoveToFirstAttribute())
        {
            do
                value = xml.LocalName == name ? xml.Value : value;
            while (xml.MoveToNextAttribute());
            xml.MoveToElement();
        }

        return value;
    }

    /// <summary>
    /// Reads the current element to its end: the text of each descendant by its path, such as <c>author/name</c>, its own text with an
    /// empty path, and attributes as <c>parent@id</c>.
    /// </summary>
    public Dictionary<string, string> Fields()
    {
        var fields = new Dictionary<string, string>();
        var level = xml.Depth;
        var path = new Stack<string>([""]);
        if (xml.IsEmptyElement)
        {
            xml.Read();
            return fields;
        }

        while (xml.Read() && xml.Depth > level)
        {
            switch (xml.NodeType)
            {
                case XmlNodeType.Element:
                    var name = path.Peek().Length == 0 ? xml.LocalName : $"{path.Peek()}/{xml.LocalName}";
                    if (Attribute("id") is { } id)
                        fields[$"{name}@id"] = id;
                    if (!xml.IsEmptyElement)
                        path.Push(name);
                    break;
                case XmlNodeType.EndElement:
                    path.Pop();
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA:
                    fields[path.Peek()] = fields.GetValueOrDefault(path.Peek()) + Text();
                    break;
            }
        }

        xml.Read();
        return fields;
    }

    private string Text()
    {
        var text = new System.Text.StringBuilder();
        var chunk = new char[4096];
        int read;
        while ((read = xml.ReadValueChunk(chunk, 0, chunk.Length)) > 0)
            text.Append(chunk, 0, Math.Min(read, LongestText - text.Length));
        return text.ToString();
    }

    public void Dispose() => xml.Dispose();
}
