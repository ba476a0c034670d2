using ClosureTable.Api.Live;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>The transaction of every write to a thread, and the word to those who watch it once it is committed.</summary>
internal sealed class WriteTransaction(NpgsqlDataSource source, ThreadNotifier notifier)
{
    /// <summary>
    /// Runs <paramref name="work"/> in a transaction of its own and commits it. The commit is not cancelled by a client that
    /// goes away: it would be told "failed" of what was kept.
    /// </summary>
    public async Task<T> Run<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        while (true)
        {
            await using var connection = await source.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            try
            {
                var result = await work(connection);
                await transaction.CommitAsync(CancellationToken.None);
                notifier.Committed();
                return result;
            }
            catch (ThreadMovedException)
            {
                // Nothing was written yet; look again where it is now.
            }
        }
    }
}
