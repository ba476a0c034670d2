using System.ComponentModel.DataAnnotations;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>The section <c>Cache</c> of the configuration.</summary>
internal sealed record CacheOptions
{
    /// <summary>Memory for rendered threads, in bytes; 0 turns the cache off.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "Cache__MaxBytes must be a number of bytes; 0 turns the cache off.")]
    public long MaxBytes { get; init; } = 64 * 1024 * 1024;
}

internal sealed record RenderedThread(long RootId, long Version, string ETag, ReadOnlyMemory<byte> Body);

/// <summary>
/// Responses for anonymous callers, as the bytes to send. Each use compares the thread's version with the database, so a cached response
/// is never older than an acknowledged write, on any instance, even if a notification is lost.
/// </summary>
internal sealed class ThreadCache : IDisposable
{
    /// <summary>The approximate size of an entry without its bytes.</summary>
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
        // One giant thread must not evict all others.
        largest = options.Value.MaxBytes / 8;

        var meter = meters.Create("ClosureTable");
        hits = meter.CreateCounter<long>("closuretable.cache.hits", "{request}", "Answers that were sent again as they were.");
        misses = meter.CreateCounter<long>("closuretable.cache.misses", "{request}", "Answers that had to be rendered: not there, or of an older version.");
        meter.CreateObservableGauge("closuretable.cache.size", () => entries?.GetCurrentStatistics()?.CurrentEstimatedSize ?? 0, "By", "The memory of the answers that are kept.");
    }

    public async Task<RenderedThread?> Current(long id, TreeShape shape, CancellationToken ct)
    {
        if (entries is null)
            return null;
        var current = entries.TryGetValue(new Key(id, shape), out RenderedThread? kept)
            && await versions.Of(kept!.RootId, ct) == kept.Version;
        (current ? hits : misses).Add(1);
        return current ? kept : null;
    }

    public void Keep(long id, TreeShape shape, long rootId, long version, string etag, ReadOnlyMemory<byte> json)
    {
        var size = json.Length + Overhead;
        if (entries is not null && size <= largest)
            entries.Set(new Key(id, shape), new RenderedThread(rootId, version, etag, json.ToArray()), new MemoryCacheEntryOptions { Size = size });
    }

    public void Dispose() => entries?.Dispose();

    private sealed record Key(long Id, TreeShape Shape);
}
