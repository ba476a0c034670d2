using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>JSON in one rented array, because allocating large arrays causes full garbage collections.</summary>
internal sealed class JsonBuffer : IBufferWriter<byte>, IDisposable
{
    public static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        // The depth of comments is limited by a setting.
        MaxDepth = int.MaxValue,
        SkipValidation = true,
    };

    private byte[] bytes;
    private int written;

    private JsonBuffer(int length) => bytes = ArrayPool<byte>.Shared.Rent(length);

    /// <summary>Valid until disposal.</summary>
    public ReadOnlyMemory<byte> Written => bytes.AsMemory(0, written);

    /// <param name="length">The expected length.</param>
    public static JsonBuffer Render(Action<Utf8JsonWriter> write, int length = 4096)
    {
        var buffer = new JsonBuffer(length);
        try
        {
            using var json = new Utf8JsonWriter(buffer, Options);
            write(json);
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public static byte[] RenderArray(Action<Utf8JsonWriter> write)
    {
        using var buffer = Render(write);
        return buffer.Written.ToArray();
    }

    public void Advance(int count) => written += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (bytes.Length - written < Math.Max(sizeHint, 1))
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(bytes.Length * 2, written + sizeHint));
            Written.CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }

        return bytes.AsMemory(written);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Dispose()
    {
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
        (bytes, written) = ([], 0);
    }
}
