using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Live;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>
/// The database side of an import. Like every write (<see cref="ThreadLock"/>), it locks the threads that it adds to in the order of
/// their roots, and each comment increments the version and has an event.
/// </summary>
internal sealed class ImportStore : IAsyncDisposable
{
    private const string TryLock = "select pg_try_advisory_lock(hashtextextended('import of ' || @name, 0))";
    private const string Unlock = "select pg_advisory_unlock(hashtextextended('import of ' || @name, 0))";

    private readonly NpgsqlDataSource primary;
    private readonly NpgsqlConnection guard;
    private readonly string name;
    private readonly int maxDepth;
    private readonly Dictionary<string, long> users = [];

    private ImportStore(NpgsqlDataSource primary, NpgsqlConnection guard, string name, int maxDepth) =>
        (this.primary, this.guard, this.name, this.maxDepth) = (primary, guard, name, maxDepth);

    /// <exception cref="TransferFormatException">Another import of this source is running.</exception>
    public static async Task<ImportStore> Open(NpgsqlDataSource primary, string name, int maxDepth, CancellationToken ct)
    {
        if (!new TextAttribute(1, 512).IsValid(name))
            throw new TransferFormatException("The name of the source must have 1 to 512 characters.");
        var guard = await primary.OpenConnectionAsync(ct);
        var free = await guard.ExecuteScalarAsync<bool>(TryLock, new { name }, ct);
        if (free)
            return new ImportStore(primary, guard, name, maxDepth);
        await guard.DisposeAsync();
        throw new TransferFormatException($"Another import of '{name}' is under way.");
    }

    /// <summary>
    /// The comments here that have the source's ids: those imported before, even if deleted since, and for an export of this database
    /// those that still exist.
    /// </summary>
    public async Task<Dictionary<string, long>> Known(string[] ids, CancellationToken ct)
    {
        await using var connection = await primary.OpenConnectionAsync(ct);
        var known = new Dictionary<string, long>();
        foreach (var (externalId, id) in await connection.QueryAsync<(string, long)>("""
            select external_id, comment_id
            from imported_comments
            where source = @name and external_id = any(@ids)
            union all
            select c.id::text, c.id
            from comments_comments c
            where @name = (select 'closuretable ' || id from export_source)
              and c.id = any(array(select id::bigint from unnest(@ids) as asked (id) where id ~ '^[1-9][0-9]{0,17}$'))
            """, new { name, ids }, ct))
            known[externalId] = id;
        return known;
    }

    /// <summary>Writes new comments, each of whose parents is known or comes first, in one transaction.</summary>
    public async Task Write(
        IReadOnlyList<TransferComment> comments, IReadOnlyDictionary<string, long> known,
        IReadOnlyDictionary<string, TransferUser> newUsers, ImportReport report, CancellationToken ct)
    {
        if (comments.Count == 0)
            return;
        await Meet(comments, newUsers, report, ct);
        while (true)
        {
            await using var connection = await primary.OpenConnectionAsync(ct);
            await using var transaction = await connection.BeginTransactionAsync(ct);
            try
            {
                var placed = await FindPlaces(connection, comments, known, report, ct);
                report.Likes += await Insert(connection, placed, ct);
                await transaction.CommitAsync(CancellationToken.None);
                // Running instances and their streams are notified as for any write.
                await connection.ExecuteAsync(EventRepository.Notify);
                return;
            }
            catch (ThreadMovedException)
            {
                // Nothing was written yet; read again where the comments are now.
            }
        }
    }

    /// <summary>
    /// Finds or creates the users of the comments: the account with the e-mail address, else a placeholder of this source, whose issuer
    /// no token can have.
    /// </summary>
    private async Task Meet(
        IReadOnlyList<TransferComment> comments, IReadOnlyDictionary<string, TransferUser> newUsers, ImportReport report, CancellationToken ct)
    {
        var named = comments
            .SelectMany(comment => (comment.Likes ?? []).Select(like => like.User)
                .Concat((comment.Revisions ?? []).Select(revision => revision.Editor!)).Append(comment.Author!))
            .Where(id => id is not null && !users.ContainsKey(id))
            .Concat(newUsers.Keys.Where(id => !users.ContainsKey(id)))
            .Distinct()
            .Select(id => newUsers.GetValueOrDefault(id) ?? new TransferUser { Id = id, Name = "Unknown" })
            .ToList();
        if (named.Count == 0)
            return;
        await using var connection = await primary.OpenConnectionAsync(ct);
        await using var results = await connection.QueryMultipleAsync("""
            with named as (
              select id, name, email
              from unnest(@ids::text[], @names::text[], @emails::text[]) as named (id, name, email)
            ),
            placeholder as (
              insert into auth_users (issuer, subject, name, email)
              select @issuer, named.id, named.name, named.email
              from named
              where not exists (select from auth_users account where account.issuer is null and lower(account.email) = lower(named.email))
              on conflict on constraint auth_users_external_key do nothing
              returning id
            )
            select count(*) from placeholder;

            select subject, id
            from auth_users
            where issuer = @issuer and subject = any(@ids);

            select named.id, account.id
            from unnest(@ids::text[], @emails::text[]) as named (id, email)
            join auth_users account on account.issuer is null and lower(account.email) = lower(named.email);
            """,
            new
            {
                issuer = $"urn:closuretable:import:{name}",
                ids = named.Select(user => user.Id).ToArray(),
                names = named.Select(user => user.Name).ToArray(),
                emails = named.Select(user => user.Email).ToArray(),
            }, ct, timeout: 0);
        report.Placeholders += await results.ReadSingleAsync<long>();
        foreach (var (id, userId) in await results.ReadAsync<(string Id, long UserId)>())
            users[id] = userId;
        // An account registered since then takes precedence over the placeholder.
        foreach (var (id, userId) in await results.ReadAsync<(string Id, long UserId)>())
            users[id] = userId;
    }

    /// <summary>Assigns ids and places. Comments whose parent was deleted here are rejected, with their replies.</summary>
    private async Task<List<Placed>> FindPlaces(
        NpgsqlConnection connection, IReadOnlyList<TransferComment> comments, IReadOnlyDictionary<string, long> known, ImportReport report, CancellationToken ct)
    {
        var ours = comments.Select(comment => comment.Id).ToHashSet();
        var parents = comments.Select(comment => comment.Parent).OfType<string>().Where(parent => !ours.Contains(parent)).ToLookup(parent => known[parent]);
        var ids = parents.Select(parent => parent.Key).ToArray();
        var rootIds = (await connection.QueryAsync<long>("select distinct root_id from comments_comments where id = any(@ids)", new { ids }, ct)).ToArray();
        var locked = await connection.LockThreads(rootIds, ct);
        await using var results = await connection.QueryMultipleAsync("""
            -- The comment itself or, if it is at the maximum depth, its parent.
            select c.id, parent.id, parent.parent_id, parent.root_id, parent.depth
            from comments_comments c
            join comments_tree up on up.descendant_id = c.id
            join comments_comments parent on parent.id = up.ancestor_id and parent.depth = least(c.depth, @maxDepth - 1)
            where c.id = any(@ids);

            select nextval('comments_comments_id_seq')
            from generate_series(1, @count);
            """, new { ids, maxDepth, count = comments.Count }, ct, timeout: 0);
        var places = new Dictionary<string, Place>();
        var deepest = new HashSet<string>();
        foreach (var (commentId, id, parentId, rootId, depth) in await results.ReadAsync<(long, long, long?, long, int)>())
        {
            if (!locked.Contains(rootId))
                throw new ThreadMovedException();
            foreach (var externalId in parents[commentId])
                places[externalId] = new Place(id, parentId, rootId, depth);
            if (id != commentId)
                deepest.UnionWith(parents[commentId]);
        }

        var newIds = new Queue<long>(await results.ReadAsync<long>());
        var placed = new List<Placed>();
        foreach (var comment in comments)
        {
            var id = newIds.Dequeue();
            if (comment.Parent is null)
                places[comment.Id] = new Place(id, null, id, 0);
            else if (!places.TryGetValue(comment.Parent, out var parent))
            {
                report.Comments--;
                report.Refuse($"Comment {comment.Id} replies to {comment.Parent}, which was deleted here.");
                continue;
            }
            else
            {
                // A reply to a comment at the maximum depth becomes its sibling.
                var fits = parent.Depth < maxDepth;
                report.Raised += fits && !deepest.Contains(comment.Parent) ? 0 : 1;
                places[comment.Id] = fits ? new Place(id, parent.Id, parent.RootId, parent.Depth + 1) : parent with { Id = id };
            }

            placed.Add(new Placed(comment, places[comment.Id]));
        }

        return placed;
    }

    private const string InsertAll = $"""
        insert into comments_comments (id, parent_id, root_id, depth, author_id, content, created_at, edited_at, deleted_at)
        select id, parent_id, root_id, depth, author_id, content, created_at, edited_at, deleted_at
        from unnest(
          @ids, @parentIds::bigint[], @rootIds, @depths, @authorIds::bigint[], @contents, @createdAt::timestamptz[], @editedAt::timestamptz[], @deletedAt::timestamptz[]
        ) as new (id, parent_id, root_id, depth, author_id, content, created_at, edited_at, deleted_at);

        insert into imported_comments (source, external_id, comment_id)
        select @name, external_id, id
        from unnest(@externalIds, @ids) as new (external_id, id);

        {Closure.FromParents}

        insert into comments_likes (comment_id, user_id, created_at)
        select comment_id, user_id, created_at
        from unnest(@likedIds, @likers, @likedAt::timestamptz[]) as new (comment_id, user_id, created_at);

        insert into comments_revisions (comment_id, revision, content, written_at, editor_id)
        select comment_id, revision, content, written_at, editor_id
        from unnest(@revisedIds, @numbers, @earlier, @writtenAt::timestamptz[], @editors::bigint[]) as new (comment_id, revision, content, written_at, editor_id);

        update comments_comments c
        set child_count = c.child_count + below.children, descendant_count = c.descendant_count + below.descendants
        from (
          select ancestor_id, count(*) filter (where nearest_ancestor_id = ancestor_id) as children, count(*) as descendants
          from comments_tree
          where descendant_id = any(@ids) and ancestor_id <> descendant_id
          group by ancestor_id
        ) below
        where c.id = below.ancestor_id;

        update comments_comments c
        set like_count = given.likes
        from (select comment_id, count(*) as likes from unnest(@likedIds) as new (comment_id) group by comment_id) given
        where c.id = given.comment_id;

        insert into comments_threads (root_id, topic, version, comment_count, like_count, created_at, last_activity_at)
        select new.id, new.topic, 0, 0, c.like_count, c.created_at, c.created_at
        from unnest(@ids, @parentIds::bigint[], @topics::text[]) as new (id, parent_id, topic)
        join comments_comments c on c.id = new.id
        where new.parent_id is null;
        """;

    /// <returns>The number of imported likes.</returns>
    private async Task<int> Insert(NpgsqlConnection connection, List<Placed> placed, CancellationToken ct)
    {
        var likes = placed.SelectMany(place => (place.Comment.Likes ?? []).Select(like => (place.At.Id, UserId: users[like.User], like.At)))
            .DistinctBy(like => (like.Id, like.UserId)).ToList();
        var revisions = placed.SelectMany(place => (place.Comment.Revisions ?? []).Select((revision, index) => (place.At.Id, Number: index + 1, Revision: revision))).ToList();
        await connection.ExecuteAsync(InsertAll,
            new
            {
                name,
                ids = Column(place => place.At.Id),
                parentIds = Column(place => place.At.ParentId),
                rootIds = Column(place => place.At.RootId),
                depths = Column(place => place.At.Depth),
                authorIds = Column(place => place.Comment.Author is { } author ? users[author] : (long?)null),
                contents = Column(place => place.Comment.Content!),
                createdAt = Column(place => place.Comment.CreatedAt),
                editedAt = Column(place => place.Comment.EditedAt),
                deletedAt = Column(place => place.Comment.DeletedAt),
                externalIds = Column(place => place.Comment.Id),
                topics = Column(place => place.Comment.Topic),
                likedIds = likes.Select(like => like.Id).ToArray(),
                likers = likes.Select(like => like.UserId).ToArray(),
                likedAt = likes.Select(like => like.At).ToArray(),
                revisedIds = revisions.Select(revision => revision.Id).ToArray(),
                numbers = revisions.Select(revision => revision.Number).ToArray(),
                earlier = revisions.Select(revision => revision.Revision.Content).ToArray(),
                writtenAt = revisions.Select(revision => revision.Revision.WrittenAt).ToArray(),
                editors = revisions.Select(revision => revision.Revision.Editor is { } editor ? users[editor] : (long?)null).ToArray(),
            }, ct, timeout: 0);
        await connection.WriteAll([.. placed.Select(place =>
            ThreadChange.Created(place.At.RootId, place.At.Id, place.At.ParentId, place.Comment.CreatedAt) with
            {
                Tombstones = place.Comment.DeletedAt is null ? 0 : 1,
            })], ct, timeout: 0);
        return likes.Count;

        T[] Column<T>(Func<Placed, T> value) => [.. placed.Select(value)];
    }

    public async ValueTask DisposeAsync()
    {
        // Advisory locks would survive the return of the connection to the pool.
        await guard.ExecuteAsync(Unlock, new { name });
        await guard.DisposeAsync();
    }

    /// <summary>A comment's place in the tree.</summary>
    private sealed record Place(long Id, long? ParentId, long RootId, int Depth);

    /// <summary>A comment to be written.</summary>
    private sealed record Placed(TransferComment Comment, Place At);
}
