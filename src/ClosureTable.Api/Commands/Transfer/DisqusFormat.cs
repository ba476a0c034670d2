using System.Xml;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Disqus' XML export: pages (<c>thread</c>), then their comments (<c>post</c>).</summary>
internal static class DisqusFormat
{
    public static IEnumerable<TransferRecord> Read(XmlReader xml)
    {
        // Disqus' ids are the same in all exports.
        yield return new TransferHeader { Source = "disqus" };
        var topics = new Dictionary<string, string>();
        foreach (var element in xml.Children())
        {
            if (element.Id() is not { } id)
                continue;
            switch (element.LocalName)
            {
                case "thread":
                    topics[id] = Markup.TopicOf(element.Fields()["link"]);
                    break;
                case "post":
                    var fields = element.Fields();
                    var author = Markup.Author(
                        fields["author/username"], fields["author/name"] ?? fields["author/username"], fields["author/email"]);
                    if (author is not null)
                        yield return author;
                    yield return Markup.OrRefusal(() => Comment(id, fields, author, topics));
                    break;
            }
        }
    }

    private static TransferComment Comment(string id, MarkupFields fields, TransferUser? author, Dictionary<string, string> topics)
    {
        var parent = fields["parent@id"];
        var created = Markup.Time(fields["createdAt"], id);
        var gone = fields["isDeleted"] == "true" || fields["isSpam"] == "true";
        return new TransferComment
        {
            Id = id,
            Parent = parent,
            Author = gone ? null : author?.Id,
            Topic = parent is null ? topics.GetValueOrDefault(fields["thread@id"] ?? "") : null,
            Content = gone ? null : Markup.PlainText(fields["message"], id),
            CreatedAt = created,
            DeletedAt = gone ? created : null,
        };
    }
}
