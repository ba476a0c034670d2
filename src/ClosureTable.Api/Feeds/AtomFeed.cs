using System.Globalization;
using System.ServiceModel.Syndication;
using System.Text;
using System.Xml;

namespace ClosureTable.Api.Feeds;

/// <summary>Renders comments as an Atom feed (RFC 4287).</summary>
internal static class AtomFeed
{
    public const string MediaType = "application/atom+xml";

    private const int TitleLength = 80;

    /// <param name="address">The feed's URL, which is also its id.</param>
    /// <param name="title">The title.</param>
    /// <param name="comments">The newest first.</param>
    /// <param name="service">The service's URL, to which the comments' URLs are relative.</param>
    public static byte[] Render(Uri address, string title, IReadOnlyList<FeedComment> comments, Uri service)
    {
        var feed = new SyndicationFeed
        {
            Id = address.AbsoluteUri,
            Title = Text(title),
            LastUpdatedTime = LastChange(comments),
            Items = [.. comments.Select(comment => Entry(comment, service))],
        };
        feed.Links.Add(SyndicationLink.CreateSelfLink(address, MediaType));

        using var xml = new MemoryStream();
        using (var writer = XmlWriter.Create(xml, new XmlWriterSettings { Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false) }))
            feed.GetAtom10Formatter().WriteTo(writer);
        return xml.ToArray();
    }

    /// <summary>The time of the last post or edit that the feed shows; the Unix epoch if it is empty.</summary>
    public static DateTimeOffset LastChange(IReadOnlyList<FeedComment> comments) =>
        comments.Count == 0 ? DateTimeOffset.UnixEpoch : comments.Max(Changed);

    private static DateTimeOffset Changed(FeedComment comment) => comment.EditedAt ?? comment.CreatedAt;

    private static SyndicationItem Entry(FeedComment comment, Uri service)
    {
        var address = new Uri(service, string.Create(CultureInfo.InvariantCulture, $"comments/{comment.Id}"));
        var entry = new SyndicationItem
        {
            Id = address.AbsoluteUri,
            Title = Text(Title(comment.Content)),
            Content = Text(comment.Content),
            PublishDate = comment.CreatedAt,
            LastUpdatedTime = Changed(comment),
        };
        entry.Authors.Add(new SyndicationPerson { Name = Writable(comment.AuthorName) });
        entry.Links.Add(SyndicationLink.CreateAlternateLink(address, "application/json"));
        return entry;
    }

    /// <summary>The first line, shortened; comments have no titles.</summary>
    private static string Title(string content)
    {
        var line = content.AsSpan(0, content.AsSpan().IndexOfAny('\r', '\n') is var end and >= 0 ? end : content.Length).TrimEnd();
        if (line.Length <= TitleLength)
            return line.ToString();
        // Not between the halves of a surrogate pair.
        var cut = char.IsHighSurrogate(line[TitleLength - 1]) ? TitleLength - 1 : TitleLength;
        return $"{line[..cut]}…";
    }

    private static TextSyndicationContent Text(string text) => SyndicationContent.CreatePlaintextContent(Writable(text));

    /// <summary>Replaces characters that XML 1.0 cannot represent: control characters, U+FFFE.</summary>
    private static string Writable(string text)
    {
        if (IsXml(text))
            return text;
        var writable = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            var character = rune.ToString();
            writable.Append(IsXml(character) ? character : "\uFFFD");
        }

        return writable.ToString();

        static bool IsXml(string text)
        {
            for (var index = 0; index < text.Length; index++)
            {
                if (char.IsHighSurrogate(text[index]) && index + 1 < text.Length && XmlConvert.IsXmlSurrogatePair(text[index + 1], text[index]))
                    index++;
                else if (!XmlConvert.IsXmlChar(text[index]))
                    return false;
            }

            return true;
        }
    }
}
