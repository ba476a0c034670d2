using System.Globalization;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Disqus' XML export: pages (<c>thread</c>), then their comments (<c>post</c>).</summary>
internal static class DisqusFormat
{
    public static IEnumerable<TransferRecord> Read(MarkupReader xml)
    {
        // Disqus ids are the same in all exports.
        yield return new TransferHeader { Source = "disqus" };
        var topics = new Dictionary<string, string>();
        foreach (var element in xml.Children())
        {
            switch (element)
            {
                case "thread" when xml.Attribute("id") is { } thread:
                    var page = xml.Fields();
                    topics[thread] = Markup.TopicOf(page.GetValueOrDefault("link"));
                    break;
                case "post" when xml.Attribute("id") is { } post:
                    var fields = xml.Fields();
                    var author = AuthorOf(fields);
                    if (author is not null)
                        yield return author;
                    var parent = fields.GetValueOrDefault("parent@id");
                    var created = Markup.Time(fields.GetValueOrDefault("createdAt"), post);
                    var gone = fields.GetValueOrDefault("isDeleted") == "true" || fields.GetValueOrDefault("isSpam") == "true";
                    yield return new TransferComment
                    {
                        Id = post,
                        Parent = parent,
                        Author = gone ? null : author?.Id,
                        Topic = parent is null ? topics.GetValueOrDefault(fields.GetValueOrDefault("thread@id") ?? "") : null,
                        Content = gone ? null : Markup.PlainText(fields.GetValueOrDefault("message")),
                        CreatedAt = created,
                        DeletedAt = gone ? created : null,
                    };
                    break;
            }
        }
    }

    private static TransferUser? AuthorOf(Dictionary<string, string> fields)
    {
        var name = fields.GetValueOrDefault("author/name");
        var email = fields.GetValueOrDefault("author/email");
        var id = fields.GetValueOrDefault("author/username") is { Length: > 0 } username ? username
            : email is { Length: > 0 } ? $"mailto:{email.ToLower(CultureInfo.InvariantCulture)}"
            : name is { Length: > 0 } ? $"name:{name}" : null;
        return id is null ? null : new TransferUser { Id = id, Name = name ?? id, Email = email };
    }
}
