using System.Text.Json;
using ClosureTable.Api.Data;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Comments;

/// <summary>The values of <c>comments_events.kind</c>.</summary>
internal static class EventKind
{
    public const string Created = "created";
    public const string Edited = "edited";
    public const string Deleted = "deleted";
    public const string Moved = "moved";
    public const string Liked = "liked";
}

/// <summary>A write to a thread: its event, and the changes of the counts in the thread's row.</summary>
/// <param name="Id">The comment that it concerns.</param>
/// <param name="Data">A JSON object: what a reader of the stream needs besides the comment.</param>
internal sealed record ThreadChange(long RootId, string Kind, long Id, string? Data)
{
    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public int Comments { get; init; }
    public int Tombstones { get; init; }

    /// <summary>Likes of the root.</summary>
    public int Likes { get; init; }

    /// <summary>The time of a new comment, else null.</summary>
    public DateTime? ActiveAt { get; init; }

    public static ThreadChange Created(long rootId, long id, long? parentId, DateTime? at) =>
        new(rootId, EventKind.Created, id, Json(new { parentId })) { Comments = 1, ActiveAt = at };

    public static ThreadChange Edited(long rootId, long id) => new(rootId, EventKind.Edited, id, null);

    public static ThreadChange Buried(long rootId, long id) =>
        new(rootId, EventKind.Deleted, id, Json(new { removed = Array.Empty<long>(), tombstone = true })) { Tombstones = 1 };

    public static ThreadChange Removed(long rootId, long id, long[] removed, int tombstones) =>
        new(rootId, EventKind.Deleted, id, Json(new { removed, tombstone = false })) { Comments = -removed.Length, Tombstones = -tombstones };

    public static ThreadChange Moved(long rootId, long id, long? parentId, long? fromParent, long fromRoot, long toRoot) =>
        new(rootId, EventKind.Moved, id, Json(new { parentId, fromParent, fromRoot, toRoot }));

    /// <summary>A move of the root to its own place, which makes clients read the thread again.</summary>
    public static ThreadChange Repaired(long rootId) =>
        new(rootId, EventKind.Moved, rootId, Json(new { parentId = (long?)null, fromParent = (long?)null, fromRoot = rootId, toRoot = rootId, repaired = true }));

    public static ThreadChange Liked(long rootId, long id, int delta, int likeCount) =>
        new(rootId, EventKind.Liked, id, Json(new { delta, likeCount })) { Likes = id == rootId ? delta : 0 };

    private static string Json<T>(T data) => JsonSerializer.Serialize(data, SnakeCase);
}

/// <summary>
/// The last part of every write: increments the thread's version and inserts the event. There are two forms, because sets and sorts slow
/// down a single write (docs/decisions.md).
/// </summary>
internal static class EventLog
{
    /// <summary>Records one <see cref="ThreadChange"/>.</summary>
    public const string Record = """
        with thread as (
          update comments_threads
          set version = version + 1,
              comment_count = comment_count + @comments,
              tombstone_count = tombstone_count + @tombstones,
              like_count = like_count + @likes,
              last_activity_at = greatest(last_activity_at, @activeAt::timestamptz)
          where root_id = @rootId
          returning root_id, version, topic
        )
        insert into comments_events (root_id, version, kind, comment_id, topic, data)
        select root_id, version, @kind, @id, topic, @data::jsonb
        from thread;
        """;

    /// <summary>Records any number of changes; those of one thread get consecutive versions in their order.</summary>
    private const string RecordAll = """
        with change as (
          select root_id, kind, comment_id, data, comments, tombstones, likes, active_at, place,
            row_number() over (partition by root_id order by place) as number
          from unnest(@rootIds, @kinds, @ids, @data::text[], @comments, @tombstones, @likes, @activeAt::timestamptz[])
            with ordinality as change (root_id, kind, comment_id, data, comments, tombstones, likes, active_at, place)
        ),
        total as (
          select root_id, count(*) as events, sum(comments) as comments, sum(tombstones) as tombstones, sum(likes) as likes,
            max(active_at) as active_at
          from change
          group by root_id
        ),
        thread as (
          update comments_threads
          set version = version + total.events,
              comment_count = comment_count + total.comments,
              tombstone_count = tombstone_count + total.tombstones,
              like_count = like_count + total.likes,
              last_activity_at = greatest(last_activity_at, total.active_at)
          from total
          where comments_threads.root_id = total.root_id
          returning comments_threads.root_id, version - total.events as version, topic
        )
        insert into comments_events (root_id, version, kind, comment_id, topic, data)
        select root_id, thread.version + change.number, change.kind, change.comment_id, thread.topic, change.data::jsonb
        from change
        join thread using (root_id)
        order by change.place;
        """;

    /// <summary>The parameters of <see cref="Record"/>, for a batch that contains it.</summary>
    public static NpgsqlParameter[] Parameters(ThreadChange change) =>
    [
        new("rootId", change.RootId), new("kind", change.Kind), new("id", change.Id),
        new("data", NpgsqlDbType.Text) { Value = (object?)change.Data ?? DBNull.Value },
        new("comments", change.Comments), new("tombstones", change.Tombstones), new("likes", change.Likes),
        new("activeAt", NpgsqlDbType.TimestampTz) { Value = (object?)change.ActiveAt ?? DBNull.Value },
    ];

    /// <summary>Runs <see cref="Record"/>, alone or as part of a batch. Typed parameters, unlike Dapper's nulls, let the server keep the plan.</summary>
    public static async Task Write(
        this NpgsqlConnection connection, string batch, ThreadChange change, CancellationToken ct, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(batch, connection);
        command.Parameters.AddRange((NpgsqlParameter[])[.. Parameters(change), .. parameters]);
        await command.ExecuteNonQueryAsync(ct);
    }

    public static Task WriteAll(this NpgsqlConnection connection, IReadOnlyList<ThreadChange> changes, CancellationToken ct, int? timeout = null) =>
        connection.ExecuteAsync(RecordAll, new
        {
            rootIds = changes.Select(change => change.RootId).ToArray(),
            kinds = changes.Select(change => change.Kind).ToArray(),
            ids = changes.Select(change => change.Id).ToArray(),
            data = changes.Select(change => change.Data).ToArray(),
            comments = changes.Select(change => change.Comments).ToArray(),
            tombstones = changes.Select(change => change.Tombstones).ToArray(),
            likes = changes.Select(change => change.Likes).ToArray(),
            activeAt = changes.Select(change => change.ActiveAt).ToArray(),
        }, ct, timeout);
}
