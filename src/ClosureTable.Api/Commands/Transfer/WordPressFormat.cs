using System.Globalization;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>WordPress' WXR: an RSS channel whose items carry their comments (<c>wp:comment</c>).</summary>
internal static class WordPressFormat
{
    public static IEnumerable<TransferRecord> Read(MarkupReader xml)
    {
        var site = "";
        var announced = false;
        foreach (var channel in xml.Children())
        {
            if (channel != "channel")
                continue;
            foreach (var element in xml.Children())
            {
                if (element == "link")
                    site = xml.Fields().GetValueOrDefault("", "");
                if (element != "item")
                    continue;
                if (!announced)
                {
                    // Comment ids are unique only within a site.
                    yield return new TransferHeader { Source = $"wordpress {site}".TrimEnd() };
                    announced = true;
                }

                foreach (var record in Item(xml))
                    yield return record;
            }
        }
    }

    private static IEnumerable<TransferRecord> Item(MarkupReader xml)
    {
        string? topic = null;
        foreach (var element in xml.Children())
        {
            if (element == "link")
                topic = Markup.TopicOf(xml.Fields().GetValueOrDefault(""));
            if (element != "comment")
                continue;
            var fields = xml.Fields();
            // Pingbacks and trackbacks are not comments.
            if (fields.GetValueOrDefault("comment_type") is not (null or "" or "comment"))
                continue;
            if (fields.GetValueOrDefault("comment_id") is not { Length: > 0 } id)
                throw new TransferFormatException("A comment has no wp:comment_id.");
            var author = AuthorOf(fields);
            if (author is not null)
                yield return author;
            var parent = fields.GetValueOrDefault("comment_parent") is { Length: > 0 } and not "0" ? fields["comment_parent"] : null;
            var created = Markup.Time(fields.GetValueOrDefault("comment_date_gmt"), id);
            var published = fields.GetValueOrDefault("comment_approved") == "1";
            yield return new TransferComment
            {
                Id = id,
                Parent = parent,
                Author = published ? author?.Id : null,
                Topic = parent is null ? topic : null,
                Content = published ? Markup.PlainText(fields.GetValueOrDefault("comment_content")) : null,
                CreatedAt = created,
                DeletedAt = published ? null : created,
            };
        }
    }

    private static TransferUser? AuthorOf(Dictionary<string, string> fields)
    {
        var name = fields.GetValueOrDefault("comment_author");
        var email = fields.GetValueOrDefault("comment_author_email");
        var id = fields.GetValueOrDefault("comment_user_id") is { Length: > 0 } and not "0" ? fields["comment_user_id"]
            : email is { Length: > 0 } ? $"mailto:{email.ToLower(CultureInfo.InvariantCulture)}"
            : name is { Length: > 0 } ? $"name:{name}" : null;
        return id is null ? null : new TransferUser { Id = id, Name = name ?? "", Email = email };
    }
}
