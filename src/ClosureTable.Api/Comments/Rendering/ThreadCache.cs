using System.ComponentModel.DataAnnotations;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>The section <c>Cache</c>.</summary>
internal sealed record CacheOptions
{
    /// <summary>How much memory the rendered threads may take, in bytes; 0 renders each answer anew.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Cache__MaxBytes must be a number of bytes; 0 turns the cache off.")]
    public long MaxBytes { get; init; } = 64 * 1024 * 1024;
}

/// <summary>An answer that was rendered before, and the state of the thread that it shows.</summary>
internal sealed record RenderedThread(long RootId, long Version, string ETag, ReadOnlyMemory<byte> Body);

/// <summary>
/// Answers to readers who did not sign in, kept as the bytes that go out. Nothing is ever evicted because it changed: each
/// time an answer is used, the database is asked for the thread's version, one read of a primary key, and the answer counts
/// only if it is of that version. A lost notification, or a rendering that is stored late, can thus never make an answer
/// older than a write that was acknowledged before the request, at whichever instance that was.
/// </summary>
/// <remarks>
/// Every write to a thread raises its version, also a move away from it, and a thread that is gone has none: so the thread's
/// version stands for any comment in it. Signed-in readers see their own likes and get their answers rendered; what they have
/// already they need not be sent again, for the <c>ETag</c> that the same version makes.
/// </remarks>
internal sealed class ThreadCache : IDisposable
{
    /// <summary>What an entry takes besides its bytes, roughly.</summary>
    private const int Overhead = 512;

    private readonly ThreadVersions versions;
    private readonly MemoryCache? entries;
    private readonly long largest;
    private readonly Counter<long> hits;
    private readonly Counter<long> misses;

    public ThreadCache(ThreadVersions versions, IOptions<CacheOptions> options, IMeterFactory meters)
    {
        this.versions = versions;
        if (options.Value.MaxBytes > 0)
            entries = new MemoryCache(new MemoryCacheOptions { SizeLimit = options.Value.MaxBytes, TrackStatistics = true });
        // One giant thread must not drive out all others.
        largest = options.Value.MaxBytes / 8;

        var meter = meters.Create("ClosureTable");
        hits = meter.CreateCounter<long>("closuretable.cache.hits", "{request}", "Answers that were sent again as they were.");
        misses = meter.CreateCounter<long>("closuretable.cache.misses", "{request}", "Answers that had to be rendered: not there, or of an older version.");
        meter.CreateObservableGauge("closuretable.cache.size", () => entries?.GetCurrentStatistics()?.CurrentEstimatedSize ?? 0, "By", "The memory of the answers that are kept.");
    }

    /// <summary>The answer, if there is one and it shows the thread as it is now.</summary>
    public async Task<RenderedThread?> Current(long id, TreeShape shape, CancellationToken ct)
    {
        if (entries is null)
            return null;
        var current = entries.TryGetValue(new Key(id, shape), out RenderedThread? kept)
            && await versions.Of(kept!.RootId, ct) == kept.Version;
        (current ? hits : misses).Add(1);
        return current ? kept : null;
    }

    /// <summary>Keeps an answer in place of an older one. The least recently used ones make room.</summary>
    public void Keep(long id, TreeShape shape, long rootId, long version, string etag, ReadOnlyMemory<byte> json)
    {
        var size = json.Length + Overhead;
        if (entries is not null && size <= largest)
            entries.Set(new Key(id, shape), new RenderedThread(rootId, version, etag, json.ToArray()), new MemoryCacheEntryOptions { Size = size });
    }

    public void Dispose() => entries?.Dispose();

    private sealed record Key(long Id, TreeShape Shape);
}
