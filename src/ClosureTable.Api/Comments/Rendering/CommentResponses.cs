using System.Text.Json;

namespace ClosureTable.Api.Comments.Rendering;

internal sealed class CommentResponses(Cursors cursors)
{
    /// <summary>The largest tree for <see cref="Tree"/>: some megabytes of JSON.</summary>
    public const int MaxBuffered = 10_000;

    public Cursors Cursors => cursors;

    public JsonBuffer Tree(Forest forest, bool signedIn)
    {
        var write = TreeInParts(forest, signedIn);
        return JsonBuffer.Render(json => write(json, long.MaxValue), forest.Rows.JsonLength);
    }

    /// <summary>The same for a tree that is too large for memory as JSON: it is rendered while it is sent and holds the rows until then.</summary>
    /// <returns>Continues until the given total number of bytes; returns whether there is more.</returns>
    public Func<Utf8JsonWriter, long, bool> TreeInParts(Forest forest, bool signedIn)
    {
        var top = CommentTree.Link(forest.Rows, forest.Tops, forest.Sort);
        var (next, more) = (top, More(forest));
        return (json, until) =>
            (next = CommentWriter.WriteTree(json, forest.Rows, top, next, signedIn, more, until)) != CommentRow.None;
    }

    /// <summary>A page of comments, with their descendants or (<paramref name="nested"/> false) without replies.</summary>
    /// <param name="with">Writes what the list shows in addition to the comment with this id.</param>
    public JsonBuffer Page(Forest forest, bool signedIn, bool nested, Action<Utf8JsonWriter, long>? with = null, Action<Utf8JsonWriter>? withPage = null)
    {
        var (first, more) = (CommentTree.Link(forest.Rows, forest.Tops, forest.Sort), More(forest));
        return JsonBuffer.Render(json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("comments");
            for (var top = first; top != CommentRow.None; top = forest.Rows[top].NextSibling)
            {
                if (nested)
                {
                    CommentWriter.WriteTree(json, forest.Rows, top, top, signedIn, more);
                    continue;
                }

                CommentWriter.Open(json, forest.Rows, top, signedIn);
                with?.Invoke(json, forest.Rows[top].Id);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            withPage?.Invoke(json);
            json.WriteString("next_cursor", forest.Next is { } next ? cursors.Write(next) : null);
            json.WriteEndObject();
        }, forest.Rows.JsonLength);
    }

    /// <summary>The response to the creation of a comment. Without replies, because a retry must get the same response.</summary>
    public static ReadOnlyMemory<byte> New(CommentRows rows)
    {
        (rows[0].ChildCount, rows[0].DescendantCount) = (0, 0);
        return JsonBuffer.RenderArray(json => CommentWriter.WriteTree(json, rows, 0, 0, signedIn: true, (_, _) => ""));
    }

    /// <summary>The same for a comment that was removed since: without content and author.</summary>
    public static ReadOnlyMemory<byte> NewButRemoved(CommentRows rows)
    {
        rows[0].Deleted = true;
        return New(rows);
    }

    public static ReadOnlyMemory<byte> Single(CommentRows rows) => JsonBuffer.RenderArray(json =>
    {
        CommentWriter.Open(json, rows, 0, signedIn: true);
        json.WriteEndObject();
    });

    public static ReadOnlyMemory<byte> Counted(string name, int count, ReadOnlyMemory<byte> comment) => JsonBuffer.RenderArray(json =>
    {
        json.WriteStartObject();
        json.WriteNumber(name, count);
        json.WritePropertyName("comment");
        json.WriteRawValue(comment.Span, skipInputValidation: true);
        json.WriteEndObject();
    });

    /// <summary>The position of the remaining replies of a row: after the last one shown or, if there is none, at the start.</summary>
    private Func<CommentRows, int, string> More(Forest forest) => (rows, index) =>
    {
        var parent = rows[index].Id;
        if (rows[index].LastChild == CommentRow.None)
            return cursors.Write(new Cursor(CursorList.Replies, parent, forest.Sort, Key: 0, Id: 0));
        ref var last = ref rows[rows[index].LastChild];
        var key = forest.Sort == CommentSort.Top ? last.LikeCount : last.CreatedAt.Ticks;
        return cursors.Write(new Cursor(CursorList.Replies, parent, forest.Sort, key, last.Id, forest.Snapshot));
    };
}
