using System.Data;
using System.Text.Json;
using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Writes threads as JSON lines, from one snapshot of the database, in constant memory.</summary>
internal sealed class Export(NpgsqlDataSource primary)
{
    /// <summary>Comments per fetch.</summary>
    private const int BatchSize = 1000;

    private static readonly byte[] NewLine = [(byte)'\n'];

    private readonly HashSet<long> known = [];

    /// <param name="topic">Only the threads of this topic; null for all.</param>
    /// <param name="output">Receives UTF-8, one record per line.</param>
    /// <param name="progress">Called after each batch with the number of comments written.</param>
    /// <returns>The number of comments written.</returns>
    public Task<long> Run(string? topic, Stream output, Action<long>? progress, CancellationToken ct) =>
        primary.ReadSnapshotOnce(async connection =>
        {
            var name = await connection.ExecuteScalarAsync<Guid>("select id from export_source", null, ct);
            await Write(output, new TransferHeader { Source = $"closuretable {name}" }, ct);

            // Parents before replies: ordered by depth, because after a move a reply can have a smaller id than its parent.
            await connection.ExecuteAsync($"""
                -- No timeouts, however slowly the output is read.
                set local statement_timeout = 0;
                set local idle_in_transaction_session_timeout = 0;

                declare exported no scroll cursor for
                select
                  c.id, c.parent_id, c.author_id, thread.topic, c.content, c.created_at, c.edited_at, c.deleted_at,
                  (
                    select json_agg(json_build_object('user', l.user_id::text, 'at', {Utc("l.created_at")}) order by l.created_at, l.user_id)
                    from comments_likes l
                    where l.comment_id = c.id
                  )::text as likes,
                  (
                    select json_agg(json_build_object('content', r.content, 'written_at', {Utc("r.written_at")}, 'editor', r.editor_id::text) order by r.revision)
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

    /// <summary>PostgreSQL's own format has an offset, so one moment could have two forms.</summary>
    private static string Utc(string column) => $"""to_char({column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""";

    private async Task<IEnumerable<TransferUser>> NewUsers(NpgsqlConnection connection, IEnumerable<TransferComment> batch, CancellationToken ct)
    {
        var ids = batch
            .SelectMany(comment => (comment.Likes ?? []).Select(like => like.User)
                .Concat((comment.Revisions ?? []).Select(revision => revision.Editor!)).Append(comment.Author!))
            .Where(id => id is not null)
            .Select(id => long.Parse(id, System.Globalization.CultureInfo.InvariantCulture))
            .Where(known.Add)
            .ToArray();
        return await connection.QueryAsync<TransferUser>("""
            select id::text, name, email
            from auth_users
            where id = any(@ids)
            order by auth_users.id
            """, new { ids }, ct);
    }

    private static async Task Write(Stream output, TransferRecord record, CancellationToken ct)
    {
        await JsonSerializer.SerializeAsync(output, record, TransferRecord.Json, ct);
        await output.WriteAsync(NewLine, ct);
    }

    private sealed record Row
    {
        public long Id { get; init; }
        public long? ParentId { get; init; }
        public long? AuthorId { get; init; }
        public string? Topic { get; init; }
        public string Content { get; init; } = "";
        public DateTime CreatedAt { get; init; }
        public DateTime? EditedAt { get; init; }
        public DateTime? DeletedAt { get; init; }
        public string? Likes { get; init; }
        public string? Revisions { get; init; }

        public TransferComment ToRecord() => new()
        {
            Id = Text(Id)!,
            Parent = Text(ParentId),
            Author = Text(AuthorId),
            Topic = ParentId is null ? Topic : null,
            Content = DeletedAt is null ? Content : null,
            CreatedAt = CreatedAt,
            EditedAt = EditedAt,
            DeletedAt = DeletedAt,
            Likes = Likes is null ? null : JsonSerializer.Deserialize<TransferLike[]>(Likes, TransferRecord.Json),
            Revisions = Revisions is null ? null : JsonSerializer.Deserialize<TransferRevision[]>(Revisions, TransferRecord.Json),
        };

        private static string? Text(long? id) => id?.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }
}
