using ClosureTable.Api.Comments;

namespace ClosureTable.Api.Live;

/// <summary>
/// The bell of the <see cref="EventDispatcher"/>. It rings without saying what happened: whoever hears it reads the rows, which are
/// the truth, and any number of rings are one.
/// </summary>
internal sealed class ThreadNotifier : IWriteObserver, IDisposable
{
    private readonly SemaphoreSlim bell = new(0, 1);
    private int ringing;
    private int committed;

    /// <summary>A write of this instance was committed: its own streams and the other instances must hear of it.</summary>
    public void Committed()
    {
        Volatile.Write(ref committed, 1);
        Ring();
    }

    /// <summary>There may be something to read.</summary>
    public void Ring()
    {
        if (Interlocked.Exchange(ref ringing, 1) == 0)
            bell.Release();
    }

    /// <summary>Waits until it rings, or for <paramref name="longest"/>.</summary>
    /// <returns>Whether this instance committed something since the last call.</returns>
    public async Task<bool> Wait(TimeSpan longest, CancellationToken ct)
    {
        if (await bell.WaitAsync(longest, ct))
            Volatile.Write(ref ringing, 0);
        return Interlocked.Exchange(ref committed, 0) == 1;
    }

    public void Dispose() => bell.Dispose();
}
