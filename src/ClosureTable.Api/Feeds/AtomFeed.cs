using System.ServiceModel.Syndication;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;

namespace ClosureTable.Api.Feeds;

/// <summary>Renders comments as an Atom feed (RFC 4287).</summary>
internal static partial class AtomFeed
{
    public const string MediaType = "application/atom+xml";

    private const int TitleLength = 80;

    /// <param name="address">The feed's own URL, which is also its id.</param>
    /// <param name="comments">The newest first.</param>
    /// <param name="service">The base URL of the comments.</param>
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

    /// <summary>When a comment of the feed was last written or edited; 1970 for an empty feed.</summary>
    public static DateTimeOffset LastChange(IReadOnlyList<FeedComment> comments) =>
        comments.Count == 0 ? DateTimeOffset.UnixEpoch : comments.Max(Changed);

    private static DateTimeOffset Changed(FeedComment comment) => comment.EditedAt ?? comment.CreatedAt;

    private static SyndicationItem Entry(FeedComment comment, Uri service)
    {
        var address = new Uri(service, $"comments/{comment.Id}");
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

    /// <summary>The beginning of the first line.</summary>
    private static string Title(string content)
    {
        var line = content.AsSpan(0, content.AsSpan().IndexOfAny('\r', '\n') is var end and >= 0 ? end : content.Length).TrimEnd();
        if (line.Length <= TitleLength)
            return line.ToString();
        // Not within a surrogate pair.
        var cut = char.IsHighSurrogate(line[TitleLength - 1]) ? TitleLength - 1 : TitleLength;
        return $"{line[..cut]}…";
    }

    private static TextSyndicationContent Text(string text) => SyndicationContent.CreatePlaintextContent(Writable(text));

    /// <summary>Replaces the characters that XML 1.0 cannot represent in any form.</summary>
    private static string Writable(string text) => NotXml().Replace(text, "\uFFFD");

    [GeneratedRegex(@"[\x00-\x08\x0B\x0C\x0E-\x1F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]")]
    private static partial Regex NotXml();
}
