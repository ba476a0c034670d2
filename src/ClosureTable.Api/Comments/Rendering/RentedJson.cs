using System.Buffers;
using System.Text.Json;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// JSON in blocks of rented memory. An answer of megabytes in one array would be garbage that only a full collection takes
/// away, and half of what the array grew through would be too.
/// </summary>
internal sealed class RentedJson : IBufferWriter<byte>, IDisposable
{
    /// <summary>Below what the runtime keeps on the heap for large objects (85,000 bytes).</summary>
    private const int BlockLength = 64 * 1024;

    private readonly List<(byte[] Block, int Used)> full = [];
    private byte[] block = ArrayPool<byte>.Shared.Rent(BlockLength);
    private int used;

    private RentedJson()
    {
    }

    /// <summary>Valid until this is disposed of.</summary>
    public ReadOnlySequence<byte> Bytes => Chain(part => part);

    /// <summary>A copy to be kept, in memory that is not rented.</summary>
    public ReadOnlySequence<byte> Copy() => Chain(part => part.ToArray());

    public static RentedJson Render(Action<Utf8JsonWriter> write)
    {
        var rendered = new RentedJson();
        try
        {
            using var json = new Utf8JsonWriter(rendered, RenderedJson.Options);
            write(json);
            json.Flush();
            return rendered;
        }
        catch
        {
            rendered.Dispose();
            throw;
        }
    }

    public void Advance(int count) => used += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (block.Length - used < Math.Max(sizeHint, 1))
        {
            full.Add((block, used));
            block = ArrayPool<byte>.Shared.Rent(Math.Max(BlockLength, sizeHint));
            used = 0;
        }

        return block.AsMemory(used);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        foreach (var (rented, _) in full)
            ArrayPool<byte>.Shared.Return(rented);
        full.Clear();
        if (block.Length > 0)
            ArrayPool<byte>.Shared.Return(block);
        (block, used) = ([], 0);
    }

    private ReadOnlySequence<byte> Chain(Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>> part)
    {
        var last = part(block.AsMemory(0, used));
        if (full.Count == 0)
            return new ReadOnlySequence<byte>(last);
        var head = new Segment(part(full[0].Block.AsMemory(0, full[0].Used)), null);
        var tail = head;
        foreach (var (next, length) in full.Skip(1))
            tail = new Segment(part(next.AsMemory(0, length)), tail);
        tail = new Segment(last, tail);
        return new ReadOnlySequence<byte>(head, 0, tail, last.Length);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;
            if (before is null)
                return;
            RunningIndex = before.RunningIndex + before.Memory.Length;
            before.Next = this;
        }
    }
}
