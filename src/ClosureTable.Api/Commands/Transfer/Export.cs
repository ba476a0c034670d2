using System.Data;
using System.Text.Json;
using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Writes threads as JSON lines, from one snapshot and in constant memory.</summary>
internal sealed class Export(NpgsqlDataSource primary)
{
    private const int BatchSize = 1000;

    private static readonly byte[] NewLine = [(byte)'\n'];

    private readonly HashSet<string> known = [];

    /// <param name="topic">Only the threads of this topic; null for all.</param>
    /// <param name="progress">Told after each batch how many comments were written.</param>
    /// <returns>How many comments were written.</returns>
    public Task<long> Run(string? topic, Stream output, Action<long>? progress, CancellationToken ct) =>
        primary.ReadSnapshotOnce(async connection =>
        {
            var name = await connection.ExecuteScalarAsync<Guid>("select id from export_source", null, ct);
            await Write(output, new TransferHeader { Source = $"closuretable {name}" }, ct);

            // Parents before their replies: by level, because the id of a reply may be the smaller one after a move.
            // PostgreSQL's own text of a time depends on the session's time zone.
            await connection.ExecuteAsync("""
                -- The reader of the output sets the pace.
                set local statement_timeout = 0;
                set local idle_in_transaction_session_timeout = 0;

                declare exported no scroll cursor for
                select
                  c.id::text, c.parent_id::text as parent, c.author_id::text as author,
                  case when c.parent_id is null then thread.topic end as topic,
                  case when c.deleted_at is null then c.content end as content,
                  c.created_at, c.edited_at, c.deleted_at,
                  (
                    select json_agg(
                      json_build_object('user', l.user_id::text, 'at', to_char(l.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
                      order by l.created_at, l.user_id)
                    from comments_likes l
                    where l.comment_id = c.id
                  )::text as likes,
                  (
                    select json_agg(
                      json_build_object('content', r.content, 'written_at', to_char(r.written_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'editor', r.editor_id::text)
                      order by r.revision)
                    from comments_revisions r
                    where r.comment_id = c.id
                  )::text as revisions
                from comments_comments c
                join comments_threads thread on thread.root_id = c.root_id
                where @topic::text is null or thread.topic = @topic
                order by c.root_id, c.depth, c.id
                """, new { topic }, ct, timeout: 0);
            var written = 0L;
            while (true)
            {
                var batch = (await connection.QueryAsync<Row>($"fetch {BatchSize} from exported", null, ct, timeout: 0))
                    .Select(row => row.ToRecord()).ToList();
                if (batch.Count == 0)
                    return written;
                foreach (var user in await NewUsers(connection, batch, ct))
                    await Write(output, user, ct);
                foreach (var comment in batch)
                    await Write(output, comment, ct);
                written += batch.Count;
                progress?.Invoke(written);
            }
        }, ct);

    private Task<IEnumerable<TransferUser>> NewUsers(NpgsqlConnection connection, IEnumerable<TransferComment> batch, CancellationToken ct)
    {
        var ids = batch.SelectMany(comment => comment.UserIds()).Where(known.Add).ToArray();
        return connection.QueryAsync<TransferUser>("""
            select id::text, name, email
            from auth_users
            where id = any(@ids::bigint[])
            order by auth_users.id
            """, new { ids }, ct);
    }

    private static async Task Write(Stream output, TransferRecord record, CancellationToken ct)
    {
        await JsonSerializer.SerializeAsync(output, record, TransferRecord.Json, ct);
        await output.WriteAsync(NewLine, ct);
    }

    private sealed record Row(
        string Id, string? Parent, string? Author, string? Topic, string? Content,
        DateTime CreatedAt, DateTime? EditedAt, DateTime? DeletedAt, string? Likes, string? Revisions)
    {
        public TransferComment ToRecord() => new()
        {
            Id = Id,
            Parent = Parent,
            Author = Author,
            Topic = Topic,
            Content = Content,
            CreatedAt = CreatedAt,
            EditedAt = EditedAt,
            DeletedAt = DeletedAt,
            Likes = Likes is null ? null : JsonSerializer.Deserialize<TransferLike[]>(Likes, TransferRecord.Json),
            Revisions = Revisions is null ? null : JsonSerializer.Deserialize<TransferRevision[]>(Revisions, TransferRecord.Json),
        };
    }
}
