using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>The transaction of every write to a thread, and the word to those who watch it once it is committed.</summary>
internal sealed class WriteTransaction(NpgsqlDataSource primary, ReadYourWrites seen, IWriteObserver observer)
{
    private const int MaxAttempts = 4;

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction of its own and commits it. What fails before the commit was not kept and
    /// is run again where that can help; what fails at the commit never is.
    /// </summary>
    /// <exception cref="OutcomeUnknownException">The database did not say whether it was committed.</exception>
    public async Task<T> Run<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken ct)
    {
        for (var attempt = 1; ;)
        {
            await using var connection = await primary.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            T result;
            try
            {
                result = await work(connection);
            }
            catch (ThreadMovedException)
            {
                // Nothing was written yet; look again where it is now.
                continue;
            }
            catch (Exception exception) when (attempt < MaxAttempts && DatabaseFailures.IsWorthRepeating(exception))
            {
                attempt++;
                continue;
            }

            try
            {
                await transaction.CommitForGood();
            }
            finally
            {
                // Also where it may have been committed: whoever watches looks, and finds it or not.
                observer.Committed();
            }

            await seen.Note(connection);
            return result;
        }
    }
}
