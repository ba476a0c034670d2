using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>Runs the transaction of every write to a thread, and notifies the observer after the commit.</summary>
internal sealed class WriteTransaction(NpgsqlDataSource primary, ReadYourWrites seen, IWriteObserver observer)
{
    private const int MaxAttempts = 4;

    /// <summary>Failures before the commit are retried if that can help; a failed commit never is.</summary>
    /// <exception cref="OutcomeUnknownException"/>
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
                // Nothing was written yet.
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
                // Also if the outcome is unknown: the observer reads the rows that exist.
                observer.Committed();
            }

            await seen.Note(connection);
            return result;
        }
    }
}
