using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// The present versions of threads, for many requests in one statement. While the database answers one question, those who
/// come meanwhile gather for the next: nobody waits for others who might still come, and under load a question costs a
/// fraction of a round trip.
/// </summary>
/// <remarks>
/// Nobody ever joins a question that was already sent, so that an answer is never older than the request that it is for: it
/// sees every write that was acknowledged before.
/// </remarks>
internal sealed class ThreadVersions(NpgsqlDataSource primary)
{
    /// <summary>Two, so that one gathers while the other is under way; more would leave each with fewer to ask for.</summary>
    private const int QuestionsAtOnce = 2;

    private readonly Lock gate = new();
    private Question? next;
    private int underWay;

    /// <summary>The version of a thread; null where there is none.</summary>
    public async Task<long?> Of(long rootId, CancellationToken ct)
    {
        Question question;
        var ask = false;
        lock (gate)
        {
            question = next ??= new Question();
            question.RootIds.Add(rootId);
            if (underWay < QuestionsAtOnce)
            {
                underWay++;
                ask = true;
            }
        }

        if (ask)
            _ = AskWhileSomebodyWaits();
        var versions = await question.Answer.Task.WaitAsync(ct);
        return versions.TryGetValue(rootId, out var version) ? version : null;
    }

    private async Task AskWhileSomebodyWaits()
    {
        while (true)
        {
            Question question;
            lock (gate)
            {
                if (next is null)
                {
                    underWay--;
                    return;
                }

                (question, next) = (next, null);
            }

            try
            {
                question.Answer.SetResult(await primary.Read(connection => Ask(connection, question.RootIds), CancellationToken.None));
            }
            catch (Exception exception)
            {
                // Whatever it was, it is each request's own failure, and the next question is asked all the same.
                question.Answer.SetException(exception);
            }
        }
    }

    private static async Task<IReadOnlyDictionary<long, long>> Ask(NpgsqlConnection connection, HashSet<long> rootIds)
    {
        // One statement a thread, in one round trip: `= any(…)` is planned anew each time, which takes longer than five of these.
        await using var batch = new NpgsqlBatch(connection);
        foreach (var rootId in rootIds)
        {
            batch.BatchCommands.Add(new NpgsqlBatchCommand("select root_id, version from comments_threads where root_id = $1")
            {
                Parameters = { new NpgsqlParameter<long> { TypedValue = rootId } },
            });
        }

        var versions = new Dictionary<long, long>(rootIds.Count);
        await using var reader = await batch.ExecuteReaderAsync();
        do
        {
            while (await reader.ReadAsync())
                versions.Add(reader.GetInt64(0), reader.GetInt64(1));
        }
        while (await reader.NextResultAsync());
        return versions;
    }

    private sealed class Question
    {
        public HashSet<long> RootIds { get; } = [];

        public TaskCompletionSource<IReadOnlyDictionary<long, long>> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
