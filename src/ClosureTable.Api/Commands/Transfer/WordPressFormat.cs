using System.Xml;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>WordPress' WXR: an RSS channel whose items contain their comments (<c>wp:comment</c>).</summary>
internal static class WordPressFormat
{
    public static IEnumerable<TransferRecord> Read(XmlReader xml)
    {
        var site = "";
        var announced = false;
        foreach (var channel in xml.Children().Where(child => child.LocalName == "channel"))
        {
            foreach (var element in channel.Children())
            {
                if (element.LocalName == "link")
                    site = element.Fields()[""] ?? "";
                if (element.LocalName != "item")
                    continue;
                // Each site numbers its comments independently.
                if (!announced)
                    yield return new TransferHeader { Source = $"wordpress {site}".TrimEnd() };
                announced = true;
                foreach (var record in Item(element))
                    yield return record;
            }
        }
    }

    private static IEnumerable<TransferRecord> Item(XmlReader item)
    {
        string? topic = null;
        foreach (var element in item.Children())
        {
            if (element.LocalName == "link")
                topic = Markup.TopicOf(element.Fields()[""]);
            if (element.LocalName != "comment")
                continue;
            var fields = element.Fields();
            // Pingbacks and trackbacks are not comments.
            if (fields["comment_type"] is not (null or "" or "comment"))
                continue;
            var author = Markup.Author(NotZero(fields["comment_user_id"]), fields["comment_author"], fields["comment_author_email"]);
            if (author is not null)
                yield return author;
            yield return Markup.OrRefusal(() => Comment(fields, author, topic));
        }
    }

    private static TransferComment Comment(MarkupFields fields, TransferUser? author, string? topic)
    {
        if (fields["comment_id"] is not { Length: > 0 } id)
            throw new TransferFormatException("A comment has no wp:comment_id.");
        var parent = NotZero(fields["comment_parent"]);
        var created = Markup.Time(fields["comment_date_gmt"], id);
        var published = fields["comment_approved"] == "1";
        return new TransferComment
        {
            Id = id,
            Parent = parent,
            Author = published ? author?.Id : null,
            Topic = parent is null ? topic : null,
            Content = published ? Markup.PlainText(fields["comment_content"], id) : null,
            CreatedAt = created,
            DeletedAt = published ? null : created,
        };
    }

    private static string? NotZero(string? id) => id is "" or "0" ? null : id;
}
