using System.Text.Json;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// Writes linked rows as JSON: the shape of <see cref="Comment"/>, in one pass, without recursion and without an object a
/// comment. (System.Text.Json on nested objects gives up at 32 levels of comments or, with its limit raised, sends 200 and half a body.)
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

    /// <summary>Writes the comment at <paramref name="top"/> with everything that is linked below it.</summary>
    /// <param name="json">The writer; its depth limit must allow two levels a level of comments.</param>
    /// <param name="rows">The rows, linked by <see cref="CommentTree"/>.</param>
    /// <param name="top">The index of the comment to begin with.</param>
    /// <param name="signedIn">Whether <c>liked</c> is shown.</param>
    /// <param name="more">Makes the cursor for what is left out below a row.</param>
    public static void WriteTree(Utf8JsonWriter json, CommentRows rows, int top, bool signedIn, Func<CommentRows, int, string> more) =>
        WriteTree(json, rows, top, next: top, signedIn, more, until: long.MaxValue);

    /// <summary>Goes on with that tree at <paramref name="next"/>, until the writer wrote about <paramref name="until"/> bytes in all.</summary>
    /// <returns>Where to go on; <see cref="CommentRow.None"/> when the tree is complete.</returns>
    public static int WriteTree(
        Utf8JsonWriter json, CommentRows rows, int top, int next, bool signedIn, Func<CommentRows, int, string> more, long until)
    {
        var current = next;
        while (true)
        {
            if (json.BytesCommitted + json.BytesPending >= until)
                return current;
            Open(json, rows, current, signedIn);
            json.WriteStartArray(Children);
            if (rows[current].FirstChild != CommentRow.None)
            {
                current = rows[current].FirstChild;
                continue;
            }

            // Up, closing what is complete, until there is a sibling to go on with.
            while (true)
            {
                json.WriteEndArray();
                WriteMore(json, rows, current, more);
                json.WriteEndObject();
                if (current == top)
                    return CommentRow.None;
                if (rows[current].NextSibling != CommentRow.None)
                {
                    current = rows[current].NextSibling;
                    break;
                }

                current = rows[current].Parent;
            }
        }
    }

    /// <summary>Begins the object of a comment and writes all that stands in it besides <c>children</c>; the caller ends it.</summary>
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
