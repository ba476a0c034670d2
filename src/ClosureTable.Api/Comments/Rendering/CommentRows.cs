using System.Buffers;
using Npgsql;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>A comment as read from the database; texts are ranges in the buffer of <see cref="CommentRows"/>, links are indexes.</summary>
internal struct CommentRow
{
    public const int None = -1;

    public long Id;
    public long? ParentId;
    public long RootId;
    public int Depth;
    public long? AuthorId;
    public DateTime CreatedAt;
    public DateTime? EditedAt;
    public bool Deleted;
    public int LikeCount;
    public bool Liked;
    public int ChildCount;
    public int DescendantCount;

    public Utf8Range Content;
    public Utf8Range AuthorName;
    public Utf8Range? Topic;

    // Set by CommentTree: the forest as linked lists, without objects or lists per comment.
    public bool IsTop;
    public int Parent;
    public int FirstChild;
    public int LastChild;
    public int NextSibling;
    public int ShownChildren;
}

internal readonly record struct Utf8Range(int Block, int Start, int Length);

/// <summary>
/// The rows of a response in rented blocks: structs, and UTF-8 text as received, without strings or objects. Blocks waste less memory for
/// large threads than arrays that double.
/// </summary>
internal sealed class CommentRows : IDisposable
{
    /// <summary>The columns that <see cref="Read"/> expects, from <c>comments_comments c</c> and <c>comments_threads thread</c>.</summary>
    public const string Columns = """
        c.id, c.parent_id, c.root_id, c.depth, c.content, c.author_id, (select name from auth_users where id = c.author_id),
        c.created_at, c.edited_at, c.deleted_at is not null, c.like_count, c.child_count, c.descendant_count, thread.topic, thread.version,
        exists (select from comments_likes where comment_id = c.id and user_id = (select @caller::bigint))
        """;

    private const int RowsPerBlock = 256;

    /// <summary>More than the longest text: 10,000 characters are at most 40,000 bytes.</summary>
    private const int TextBlockLength = 64 * 1024;

    private readonly List<CommentRow[]> rowBlocks = [];
    private readonly List<byte[]> textBlocks = [];
    // As if full: there is no block yet.
    private int textUsed = TextBlockLength;

    public int Count { get; private set; }

    /// <summary>Approximate.</summary>
    public int JsonLength => Count * 384 + textBlocks.Count * TextBlockLength;

    /// <summary>The version of the rows' thread, from the same snapshot; 0 without rows.</summary>
    public long Version { get; private set; }

    public ref CommentRow this[int index] => ref rowBlocks[index / RowsPerBlock][index % RowsPerBlock];

    public ReadOnlySpan<byte> Utf8(Utf8Range range) => textBlocks[range.Block].AsSpan(range.Start, range.Length);

    public static async Task<CommentRows> Read(NpgsqlDataReader reader, CancellationToken ct)
    {
        var read = new CommentRows();
        try
        {
            while (await reader.ReadAsync(ct))
                read.Add(reader);
            return read;
        }
        catch
        {
            read.Dispose();
            throw;
        }
    }

    private void Add(NpgsqlDataReader reader)
    {
        if (Count % RowsPerBlock == 0)
            rowBlocks.Add(ArrayPool<CommentRow>.Shared.Rent(RowsPerBlock));
        ref var row = ref this[Count++];
        row.Id = reader.GetInt64(0);
        row.ParentId = reader.IsDBNull(1) ? null : reader.GetInt64(1);
        row.RootId = reader.GetInt64(2);
        row.Depth = reader.GetInt32(3);
        row.Content = AppendText(reader, 4);
        row.AuthorId = reader.IsDBNull(5) ? null : reader.GetInt64(5);
        row.AuthorName = reader.IsDBNull(6) ? default : AppendText(reader, 6);
        row.CreatedAt = reader.GetDateTime(7);
        row.EditedAt = reader.IsDBNull(8) ? null : reader.GetDateTime(8);
        row.Deleted = reader.GetBoolean(9);
        row.LikeCount = reader.GetInt32(10);
        row.ChildCount = reader.GetInt32(11);
        row.DescendantCount = reader.GetInt32(12);
        if (Count > 1 && row.RootId == this[Count - 2].RootId)
        {
            // All rows are of one snapshot, so the thread's columns were read with the previous row.
            row.Topic = this[Count - 2].Topic;
        }
        else
        {
            row.Topic = reader.IsDBNull(13) ? null : AppendText(reader, 13);
            Version = reader.GetInt64(14);
        }

        row.Liked = reader.GetBoolean(15);
        row.Parent = row.FirstChild = row.LastChild = row.NextSibling = CommentRow.None;
        row.ShownChildren = 0;
        row.IsTop = false;
    }

    private Utf8Range AppendText(NpgsqlDataReader reader, int column)
    {
        var room = Math.Max(0, TextBlockLength - textUsed);
        var length = room > 0 ? (int)reader.GetBytes(column, 0, textBlocks[^1], textUsed, room) : 0;
        // A full block may hold only the beginning of the text. Nearly always one call is enough.
        if (length == room)
        {
            length = (int)reader.GetBytes(column, 0, null, 0, 0);
            textBlocks.Add(ArrayPool<byte>.Shared.Rent(Math.Max(TextBlockLength, length)));
            textUsed = 0;
            length = (int)reader.GetBytes(column, 0, textBlocks[^1], 0, length);
        }

        var range = new Utf8Range(textBlocks.Count - 1, textUsed, length);
        textUsed += length;
        return range;
    }

    public void Dispose()
    {
        foreach (var block in rowBlocks)
            ArrayPool<CommentRow>.Shared.Return(block);
        foreach (var block in textBlocks)
            ArrayPool<byte>.Shared.Return(block);
        rowBlocks.Clear();
        textBlocks.Clear();
        Count = 0;
    }
}

internal static class CommentRowsQuery
{
    /// <summary>
    /// Runs statements in one round trip, the last of which selects <see cref="CommentRows.Columns"/>. Uses a raw reader, because Dapper
    /// would create strings and objects (docs/decisions.md).
    /// </summary>
    public static async Task<CommentRows> ReadRows(
        this NpgsqlConnection connection, string sql, IReadOnlyList<NpgsqlParameter> parameters, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
            command.Parameters.Add(parameter);
        await using var reader = await command.ExecuteReaderAsync(ct);
        return await CommentRows.Read(reader, ct);
    }
}
