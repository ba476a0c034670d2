using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using Dapper;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Commands.Seeding;

/// <param name="Comments">In total; at least one per thread.</param>
/// <param name="Topic">The topic of all threads; null for one topic per ten threads.</param>
internal sealed record Load(int Threads, int Comments, ThreadShape Shape, string? Topic, int Seed);

/// <summary>
/// Fills the tables by COPY. The service may be running: ids come from the sequence, each transaction has whole threads, and indexes
/// and triggers stay active.
/// </summary>
internal sealed class BulkLoad(NpgsqlDataSource primary, int maxDepth)
{
    private const int BatchSize = 20_000;
    private const int Connections = 2;

    /// <summary>The issuer of generated users. No token can have it, so these users cannot sign in.</summary>
    private const string Issuer = "urn:closuretable:seed";

    /// <returns>The ids of the new roots.</returns>
    public async Task<long[]> Run(Load load, Action<int>? progress, CancellationToken ct)
    {
        var users = await Users(Math.Clamp(load.Comments / 20, 10, 2000), ct);
        var generator = new ThreadGenerator(load.Shape, maxDepth, users.Length, DateTime.UtcNow, load.Seed);
        var sizes = ThreadGenerator.Sizes(load.Threads, load.Comments, load.Seed);
        var roots = new long[sizes.Length];
        var loaded = 0;
        await Parallel.ForEachAsync(
            Batches(sizes), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = ct }, async (batch, ct) =>
            {
                var threads = new Batch(batch, sizes.AsSpan(batch).ToArray());
                await Copy(threads, load, generator, users, roots, ct);
                progress?.Invoke(Interlocked.Add(ref loaded, threads.Comments));
            });
        return roots;
    }

    private static IEnumerable<Range> Batches(int[] sizes)
    {
        for (int from = 0, to = 1, comments = sizes[0]; from < sizes.Length; to++)
        {
            if (to < sizes.Length && (comments += sizes[to]) <= BatchSize)
                continue;
            yield return from..to;
            from = to;
            comments = to < sizes.Length ? sizes[to] : 0;
        }
    }

    private async Task<long[]> Users(int count, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        return [.. await connection.QueryAsync<long>("""
            insert into auth_users (name, issuer, subject)
            select name, @Issuer, ordinality
            from unnest(@names) with ordinality as new (name, ordinality)
            on conflict on constraint auth_users_external_key do nothing;

            select id
            from auth_users
            where issuer = @Issuer
            order by id
            limit @count;
            """, new { Issuer, count, names = Enumerable.Range(0, count).Select(Prose.Name).ToArray() }, ct)];
    }

    private async Task Copy(Batch batch, Load load, ThreadGenerator generator, long[] users, long[] roots, CancellationToken ct)
    {
        var threads = batch.Sizes.Select((size, index) => generator.Thread(batch.First + index, size)).ToArray();
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        // No timeout, because a long chain has very many closure rows.
        await connection.ExecuteAsync("set local statement_timeout = 0", null, ct);
        var ids = new Queue<long>(await connection.QueryAsync<long>(
            "select nextval('comments_comments_id_seq') from generate_series(1, @Comments)", new { batch.Comments }, ct));
        var placed = threads.Select(comments => new PlacedThread(comments, [.. comments.Select(_ => ids.Dequeue())])).ToArray();

        await using (var comments = await connection.BeginBinaryImportAsync("""
            copy comments_comments (id, parent_id, root_id, depth, author_id, content, created_at, like_count, child_count, descendant_count)
            from stdin (format binary)
            """, ct))
        {
            foreach (var thread in placed)
                await thread.WriteComments(comments, users, ct);
            await comments.CompleteAsync(ct);
        }

        await using (var tree = await connection.BeginBinaryImportAsync(Closure.Copy, ct))
        {
            foreach (var thread in placed)
                await thread.WriteTree(tree, ct);
            await tree.CompleteAsync(ct);
        }

        await using (var likes = await connection.BeginBinaryImportAsync(
            "copy comments_likes (comment_id, user_id, created_at) from stdin (format binary)", ct))
        {
            foreach (var thread in placed)
                await thread.WriteLikes(likes, users, ct);
            await likes.CompleteAsync(ct);
        }

        // One version per comment, but only the last event, as after pruning.
        await connection.ExecuteAsync("""
            insert into comments_threads (root_id, topic, version, comment_count, like_count, created_at, last_activity_at)
            select root.id, new.topic, new.size - 1, new.size - 1, root.like_count, root.created_at, root.created_at
            from unnest(@rootIds, @topics, @Sizes) as new (root_id, topic, size)
            join comments_comments root on root.id = new.root_id
            """,
            new
            {
                batch.Sizes,
                rootIds = placed.Select(thread => thread.Ids[0]).ToArray(),
                topics = placed.Select((_, index) => load.Topic ?? $"/posts/{(batch.First + index) / 10 + 1}").ToArray(),
            }, ct, timeout: 0);
        await connection.WriteAll([.. placed.Select(thread => thread.Newest)], ct, timeout: 0);
        await transaction.CommitAsync(CancellationToken.None);
        for (var index = 0; index < placed.Length; index++)
            roots[batch.First + index] = placed[index].Ids[0];
    }

    private sealed record Batch(int First, int[] Sizes)
    {
        public Batch(Range threads, int[] sizes) : this(threads.Start.Value, sizes)
        {
        }

        public int Comments => Sizes.Sum();
    }

    private sealed record PlacedThread(GeneratedComment[] Comments, long[] Ids)
    {
        public ThreadChange Newest => ThreadChange.Created(Ids[0], Ids[^1], Comments[^1].Parent < 0 ? null : Ids[Comments[^1].Parent], Comments[^1].CreatedAt);

        public async Task WriteComments(NpgsqlBinaryImporter copy, long[] users, CancellationToken ct)
        {
            var (replies, below) = (new int[Ids.Length], new int[Ids.Length]);
            for (var index = Ids.Length - 1; index > 0; index--)
            {
                replies[Comments[index].Parent]++;
                below[Comments[index].Parent] += below[index] + 1;
            }

            for (var index = 0; index < Ids.Length; index++)
            {
                var comment = Comments[index];
                await copy.StartRowAsync(ct);
                await copy.WriteAsync(Ids[index], NpgsqlDbType.Bigint, ct);
                if (comment.Parent < 0)
                    await copy.WriteNullAsync(ct);
                else
                    await copy.WriteAsync(Ids[comment.Parent], NpgsqlDbType.Bigint, ct);
                await copy.WriteAsync(Ids[0], NpgsqlDbType.Bigint, ct);
                await copy.WriteAsync(comment.Depth, NpgsqlDbType.Integer, ct);
                await copy.WriteAsync(users[comment.Author], NpgsqlDbType.Bigint, ct);
                await copy.WriteAsync(comment.Content, NpgsqlDbType.Text, ct);
                await copy.WriteAsync(comment.CreatedAt, NpgsqlDbType.TimestampTz, ct);
                await copy.WriteAsync(comment.Likes, NpgsqlDbType.Integer, ct);
                await copy.WriteAsync(replies[index], NpgsqlDbType.Integer, ct);
                await copy.WriteAsync(below[index], NpgsqlDbType.Integer, ct);
            }
        }

        public async Task WriteTree(NpgsqlBinaryImporter copy, CancellationToken ct)
        {
            for (var index = 0; index < Ids.Length; index++)
            {
                var nearest = index == 0 ? 0 : Comments[index].Parent;
                for (var ancestor = index; ancestor >= 0; ancestor = Comments[ancestor].Parent)
                    await Closure.CopyRow(copy, Ids[ancestor], Ids[ancestor == index ? index : nearest], Ids[index], Comments[index].Depth, ct);
            }
        }

        public async Task WriteLikes(NpgsqlBinaryImporter copy, long[] users, CancellationToken ct)
        {
            for (var index = 0; index < Ids.Length; index++)
            {
                var comment = Comments[index];
                for (var like = 0; like < comment.Likes; like++)
                {
                    await copy.StartRowAsync(ct);
                    await copy.WriteAsync(Ids[index], NpgsqlDbType.Bigint, ct);
                    await copy.WriteAsync(users[(comment.FirstLike + like) % users.Length], NpgsqlDbType.Bigint, ct);
                    await copy.WriteAsync(comment.CreatedAt.AddSeconds(like + 1), NpgsqlDbType.TimestampTz, ct);
                }
            }
        }
    }
}
