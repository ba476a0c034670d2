using System.Text.Json;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// Writes linked rows as JSON, in the shape of <see cref="Comment"/>, in one pass without recursion or objects. (System.Text.Json fails
/// for deeply nested objects.)
/// </summary>
internal static class CommentWriter
{
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");
    private static readonly JsonEncodedText ParentId = JsonEncodedText.Encode("parent_id");
    private static readonly JsonEncodedText RootId = JsonEncodedText.Encode("root_id");
    private static readonly JsonEncodedText Topic = JsonEncodedText.Encode("topic");
    private static readonly JsonEncodedText Depth = JsonEncodedText.Encode("depth");
    private static readonly JsonEncodedText Content = JsonEncodedText.Encode("content");
    private static readonly JsonEncodedText Author = JsonEncodedText.Encode("author");
    private static readonly JsonEncodedText Name = JsonEncodedText.Encode("name");
    private static readonly JsonEncodedText CreatedAt = JsonEncodedText.Encode("created_at");
    private static readonly JsonEncodedText EditedAt = JsonEncodedText.Encode("edited_at");
    private static readonly JsonEncodedText Deleted = JsonEncodedText.Encode("deleted");
    private static readonly JsonEncodedText LikeCount = JsonEncodedText.Encode("like_count");
    private static readonly JsonEncodedText Liked = JsonEncodedText.Encode("liked");
    private static readonly JsonEncodedText ChildCount = JsonEncodedText.Encode("child_count");
    private static readonly JsonEncodedText DescendantCount = JsonEncodedText.Encode("descendant_count");
    private static readonly JsonEncodedText Children = JsonEncodedText.Encode("children");
    private static readonly JsonEncodedText More = JsonEncodedText.Encode("more");
    private static readonly JsonEncodedText Count = JsonEncodedText.Encode("count");
    private static readonly JsonEncodedText Cursor = JsonEncodedText.Encode("cursor");

    /// <summary>Writes a comment with all linked descendants, or continues at <paramref name="next"/>.</summary>
    /// <param name="next">Where to start: <paramref name="top"/>, or the result of the last call.</param>
    /// <param name="more">Creates the cursor for the omitted replies of a row.</param>
    /// <param name="until">Stops when the writer has written about this number of bytes in total.</param>
    /// <returns>Where to continue; <see cref="CommentRow.None"/> when the tree is complete.</returns>
    public static int WriteTree(
        Utf8JsonWriter json, CommentRows rows, int top, int next, bool signedIn, Func<CommentRows, int, string> more, long until = long.MaxValue)
    {
        while (json.BytesCommitted + json.BytesPending < until)
        {
            Open(json, rows, next, signedIn);
            json.WriteStartArray(Children);
            if (rows[next].FirstChild != CommentRow.None)
            {
                next = rows[next].FirstChild;
                continue;
            }

            // Goes up, closing complete comments, until there is another sibling.
            for (; ; next = rows[next].Parent)
            {
                json.WriteEndArray();
                WriteMore(json, rows, next, more);
                json.WriteEndObject();
                if (next == top)
                    return CommentRow.None;
                if (rows[next].NextSibling != CommentRow.None)
                    break;
            }

            next = rows[next].NextSibling;
        }

        return next;
    }

    /// <summary>Starts the object of a comment and writes everything except <c>children</c>; the caller ends it.</summary>
    public static void Open(Utf8JsonWriter json, CommentRows rows, int index, bool signedIn)
    {
        ref var row = ref rows[index];
        json.WriteStartObject();
        json.WriteNumber(Id, row.Id);
        if (row.ParentId is { } parentId)
            json.WriteNumber(ParentId, parentId);
        else
            json.WriteNull(ParentId);
        json.WriteNumber(RootId, row.RootId);
        if (row.Topic is { } topic)
            json.WriteString(Topic, rows.Utf8(topic));
        else
            json.WriteNull(Topic);
        json.WriteNumber(Depth, row.Depth);
        if (row.Deleted)
            json.WriteNull(Content);
        else
            json.WriteString(Content, rows.Utf8(row.Content));
        if (!row.Deleted && row.AuthorId is { } authorId)
        {
            json.WriteStartObject(Author);
            json.WriteNumber(Id, authorId);
            json.WriteString(Name, rows.Utf8(row.AuthorName));
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull(Author);
        }

        json.WriteString(CreatedAt, row.CreatedAt);
        if (row.EditedAt is { } editedAt)
            json.WriteString(EditedAt, editedAt);
        else
            json.WriteNull(EditedAt);
        json.WriteBoolean(Deleted, row.Deleted);
        json.WriteNumber(LikeCount, row.LikeCount);
        if (signedIn)
            json.WriteBoolean(Liked, row.Liked);
        json.WriteNumber(ChildCount, row.ChildCount);
        json.WriteNumber(DescendantCount, row.DescendantCount);
    }

    private static void WriteMore(Utf8JsonWriter json, CommentRows rows, int index, Func<CommentRows, int, string> more)
    {
        var left = rows[index].ChildCount - rows[index].ShownChildren;
        if (left <= 0)
            return;
        json.WriteStartObject(More);
        json.WriteNumber(Count, left);
        json.WriteString(Cursor, more(rows, index));
        json.WriteEndObject();
    }
}
