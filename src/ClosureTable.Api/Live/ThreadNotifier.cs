using ClosureTable.Api.Comments;

namespace ClosureTable.Api.Live;

/// <summary>
/// Wakes the <see cref="EventDispatcher"/>. It carries no data, since the dispatcher reads the rows, and several signals count as one.
/// </summary>
internal sealed class ThreadNotifier : IWriteObserver, IDisposable
{
    private readonly SemaphoreSlim signal = new(0, 1);
    private int signaled;
    private int committed;

    /// <summary>This instance committed a write: its own streams and the other instances must be told.</summary>
    public void Committed()
    {
        Volatile.Write(ref committed, 1);
        Wake();
    }

    /// <summary>There may be new events.</summary>
    public void Wake()
    {
        if (Interlocked.Exchange(ref signaled, 1) == 0)
            signal.Release();
    }

    /// <summary>Waits for a signal, or for <paramref name="longest"/>.</summary>
    /// <returns>Whether this instance committed a write since the last call.</returns>
    public async Task<bool> Wait(TimeSpan longest, CancellationToken ct)
    {
        if (await signal.WaitAsync(longest, ct))
            Volatile.Write(ref signaled, 0);
        return Interlocked.Exchange(ref committed, 0) == 1;
    }

    public void Dispose() => signal.Dispose();
}
