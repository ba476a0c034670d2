using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace ClosureTable.Api.Comments.Rendering;

internal enum CursorList : byte
{
    Roots = 1,
    Replies = 2,
    Search = 3,
    Likes = 4,
}

/// <summary>Where a page ended, and in which list.</summary>
/// <param name="Scope">Identifies the list among its kind: the id of the parent or user, or the hash of the topic or query.</param>
/// <param name="Key">The sort key of the last comment shown: UTC ticks, or the number of likes.</param>
/// <param name="Id">The id of the last comment shown; 0 for the start of the list.</param>
/// <param name="Snapshot">The <c>pg_snapshot</c> of the first page; later likes do not change the order of the walk.</param>
internal readonly record struct Cursor(CursorList List, long Scope, CommentSort Sort, long Key, long Id, string? Snapshot = null)
{
    public bool IsStart => Id == 0;

    /// <summary>A scope for lists without a numeric id.</summary>
    public static long ScopeOf(string? text) => text is null
        ? 0
        : BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}

/// <summary>
/// Encodes cursors as base64url of the fields and a truncated HMAC-SHA256, so that clients cannot forge them or use them for another
/// list.
/// </summary>
internal sealed class Cursors(byte[] key)
{
    private const int FixedLength = 26;
    private const int MacLength = 16;
    private const int MaxSnapshotLength = 4096;

    public string Write(in Cursor cursor)
    {
        var snapshotLength = cursor.Snapshot?.Length ?? 0;
        Span<byte> bytes = new byte[FixedLength + snapshotLength + MacLength];
        bytes[0] = (byte)cursor.List;
        bytes[1] = (byte)cursor.Sort;
        BinaryPrimitives.WriteInt64LittleEndian(bytes[2..], cursor.Scope);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[10..], cursor.Key);
        BinaryPrimitives.WriteInt64LittleEndian(bytes[18..], cursor.Id);
        Encoding.ASCII.GetBytes(cursor.Snapshot ?? "", bytes[FixedLength..]);
        Mac(bytes[..^MacLength]).CopyTo(bytes[^MacLength..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Decodes the client's cursor, if there is one.</summary>
    /// <returns>False if it belongs to another list or sort; null for <paramref name="sort"/> accepts the cursor's.</returns>
    public bool TryRead(string? text, CursorList list, long scope, CommentSort? sort, out Cursor? cursor)
    {
        cursor = text is null ? null : Read(text);
        return text is null || cursor is { } read && read.List == list && read.Scope == scope && (sort is null || read.Sort == sort);
    }

    /// <returns>The cursor, or null if this service did not create the text.</returns>
    private Cursor? Read(string text)
    {
        if (text.Length > MaxSnapshotLength * 2 || !Base64Url.IsValid(text))
            return null;
        var bytes = Base64Url.DecodeFromChars(text).AsSpan();
        if (bytes.Length < FixedLength + MacLength
            || !CryptographicOperations.FixedTimeEquals(bytes[^MacLength..], Mac(bytes[..^MacLength])))
            return null;
        var snapshot = bytes[FixedLength..^MacLength];
        return new Cursor(
            (CursorList)bytes[0],
            BinaryPrimitives.ReadInt64LittleEndian(bytes[2..]),
            (CommentSort)bytes[1],
            BinaryPrimitives.ReadInt64LittleEndian(bytes[10..]),
            BinaryPrimitives.ReadInt64LittleEndian(bytes[18..]),
            snapshot.IsEmpty ? null : Encoding.ASCII.GetString(snapshot));
    }

    private ReadOnlySpan<byte> Mac(ReadOnlySpan<byte> bytes) => HMACSHA256.HashData(key, bytes).AsSpan(0, MacLength);
}
