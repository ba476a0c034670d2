using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// Reads the current versions of threads, for many requests with one query. While one query is running, requests wait together
/// for the next. None joins a query that was already sent, so that each response reflects all earlier acknowledged writes.
/// </summary>
internal sealed class ThreadVersions(NpgsqlDataSource primary)
{
    /// <summary>With two, one collects requests while the other is running; with more, each would serve fewer requests.</summary>
    private const int QuestionsAtOnce = 2;

    private readonly Lock gate = new();
    private Question? next;
    private int underWay;

    /// <summary>The version of a thread; null if it does not exist.</summary>
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
            _ = AskWhileRequestsWait();
        var versions = await question.Answer.Task.WaitAsync(ct);
        return versions.TryGetValue(rootId, out var version) ? version : null;
    }

    private async Task AskWhileRequestsWait()
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
                // Each waiting request gets the failure; the loop goes on.
                question.Answer.SetException(exception);
            }
        }
    }

    private static async Task<IReadOnlyDictionary<long, long>> Ask(NpgsqlConnection connection, HashSet<long> rootIds)
    {
        // One statement per thread in one round trip, because `= any(…)` would be planned each time.
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
