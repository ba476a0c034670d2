namespace ClosureTable.Api.Commands.Integrity;

internal sealed record Violation
{
    public string Invariant { get; init; } = "";
    public long? RootId { get; init; }

    /// <summary>Null if the violation concerns the thread itself.</summary>
    public long? CommentId { get; init; }

    public string Detail { get; init; } = "";

    public override string ToString() =>
        $"{Invariant}: {(RootId is null ? "" : $"thread {RootId}, ")}{(CommentId is null ? "" : $"comment {CommentId}, ")}{Detail}";
}

/// <param name="Check">Selects the violations in the threads <c>@from</c> to <c>@to</c>, by comparison with <see cref="ParentTruth"/>.</param>
internal sealed record Invariant(string Name, string Check)
{
    /// <summary>In order of dependency: with wrong parents, nothing built on them can be checked.</summary>
    public static readonly IReadOnlyList<Invariant> All =
    [
        // Only follows comments that are not below a root, so with consistent data this costs one anti-join.
        new("no_cycle", """
            with recursive climb (id, root_id, next_id) as (
              select c.id, c.root_id, c.parent_id
              from comments_comments c
              where c.root_id between @from and @to and c.parent_id is not null
                and not exists (select from truth_comments truth where truth.id = c.id)
              union all
              select climb.id, climb.root_id, above.parent_id
              from climb
              join comments_comments above on above.id = climb.next_id
            ) cycle next_id set looped using path
            select distinct root_id, id as comment_id, 'it is its own ancestor' as detail
            from climb
            where next_id = id
            """),
        new("parent_exists", """
            select c.root_id, c.id as comment_id, format('its parent %s does not exist', c.parent_id) as detail
            from comments_comments c
            where c.root_id between @from and @to and c.parent_id is not null
              and not exists (select from comments_comments parent where parent.id = c.parent_id)
            """),
        new("root_is_top", """
            select truth.root_id, truth.id as comment_id, format('root_id is %s, its topmost ancestor is %s', c.root_id, truth.root_id) as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            where c.root_id <> truth.root_id
            """),
        new("depth_is_level", """
            select truth.root_id, truth.id as comment_id, format('depth is %s, it should be %s', c.depth, truth.depth) as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            where c.depth <> truth.depth
            """),
        new("self_row", """
            select truth.root_id, truth.id as comment_id,
              case when tree.descendant_id is null then 'it has no row for itself in the tree'
                else format('its own row in the tree says nearest ancestor %s, depth %s instead of %s, %s', tree.nearest_ancestor_id, tree.depth, truth.id, truth.depth)
              end as detail
            from truth_comments truth
            left join comments_tree tree on tree.ancestor_id = truth.id and tree.descendant_id = truth.id
            where (tree.nearest_ancestor_id, tree.depth) is distinct from (truth.id, truth.depth)
            """),
        new("closure", """
            select truth.root_id, truth.id as comment_id,
              case when difference.missing then format('the tree has no row for its ancestor %s', difference.ancestor_id)
                when difference.surplus then format('the tree has a row for %s, which is not its ancestor', difference.ancestor_id)
                else format('the row for its ancestor %s says nearest ancestor %s, depth %s instead of %s, %s',
                  difference.ancestor_id, difference.nearest_ancestor_id, difference.depth, truth.parent_id, truth.depth)
              end as detail
            from (
              select ancestor_id, descendant_id, actual.nearest_ancestor_id, actual.depth,
                actual.depth is null as missing, expected.depth is null as surplus
              from (
                select tree.ancestor_id, tree.descendant_id, tree.nearest_ancestor_id, tree.depth
                from truth_comments member
                join comments_tree tree on tree.descendant_id = member.id
              ) actual
              full join truth_tree expected using (ancestor_id, descendant_id)
              where ancestor_id <> descendant_id
                and (actual.nearest_ancestor_id, actual.depth) is distinct from (expected.nearest_ancestor_id, expected.depth)
            ) difference
            join truth_comments truth on truth.id = difference.descendant_id
            """),
        new("child_count", """
            select truth.root_id, truth.id as comment_id, format('child_count is %s, it has %s direct replies', c.child_count, coalesce(actual.count, 0)) as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            left join (select parent_id as id, count(*) from truth_comments group by parent_id) actual on actual.id = truth.id
            where c.child_count <> coalesce(actual.count, 0)
            """),
        new("descendant_count", """
            select truth.root_id, truth.id as comment_id, format('descendant_count is %s, it has %s descendants', c.descendant_count, actual.count) as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            join (select ancestor_id as id, count(*) - 1 as count from truth_tree group by ancestor_id) actual on actual.id = truth.id
            where c.descendant_count <> actual.count
            """),
        new("like_count", """
            select truth.root_id, truth.id as comment_id, format('like_count is %s, it has %s likes', c.like_count, coalesce(actual.count, 0)) as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            left join (
              select likes.comment_id as id, count(*)
              from truth_comments member
              join comments_likes likes on likes.comment_id = member.id
              group by likes.comment_id
            ) actual on actual.id = truth.id
            where c.like_count <> coalesce(actual.count, 0)
            """),
        new("tombstone_holds_replies", """
            select truth.root_id, truth.id as comment_id, 'it is a tombstone without living descendants' as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            where c.deleted_at is not null
              and not exists (
                select
                from truth_tree below
                join comments_comments reply on reply.id = below.descendant_id
                where below.ancestor_id = truth.id and reply.deleted_at is null
              )
            """),
        new("tombstone_is_blank", """
            select truth.root_id, truth.id as comment_id, 'it is a tombstone, but still has content, revisions or an author' as detail
            from truth_comments truth
            join comments_comments c on c.id = truth.id
            where c.deleted_at is not null
              and (c.content <> '' or c.author_id is not null or exists (select from comments_revisions revision where revision.comment_id = c.id))
            """),
        new("thread_row", """
            select truth.id as root_id, null::bigint as comment_id, 'the thread has no row' as detail
            from truth_comments truth
            where truth.parent_id is null and not exists (select from comments_threads thread where thread.root_id = truth.id)
            union all
            select thread.root_id, null, format('the row says created at %s, the root %s; last activity at %s', thread.created_at, root.created_at, thread.last_activity_at)
            from comments_threads thread
            join comments_comments root on root.id = thread.root_id
            where thread.root_id between @from and @to and root.parent_id is null
              and (thread.created_at <> root.created_at or thread.last_activity_at < root.created_at)
            """),
        // A root that was moved below another comment leaves its thread row, with zero comments.
        new("thread_counts", """
            select thread.root_id, null::bigint as comment_id,
              format('the row counts %s comments, %s tombstones, %s likes of the root; there are %s, %s, %s', thread.comment_count,
                thread.tombstone_count, thread.like_count, coalesce(actual.comments, 0), coalesce(actual.tombstones, 0), coalesce(actual.likes, 0)) as detail
            from comments_threads thread
            left join (
              select truth.root_id, count(*) as comments, count(c.deleted_at) as tombstones, max(root.like_count) as likes
              from truth_comments truth
              join comments_comments c on c.id = truth.id
              join comments_comments root on root.id = truth.root_id
              group by truth.root_id
            ) actual on actual.root_id = thread.root_id
            where thread.root_id between @from and @to
              and (thread.comment_count <> coalesce(actual.comments, 0)
                or thread.tombstone_count <> coalesce(actual.tombstones, 0)
                or actual.likes is not null and thread.like_count <> actual.likes)
            """),
        // The oldest events may have been pruned, but there must be no gap between the remaining ones.
        new("event_log", """
            select log.root_id, null::bigint as comment_id,
              format('%s of the events %s to %s are missing', log.newest - log.oldest + 1 - log.events, log.oldest, log.newest) as detail
            from (
              select root_id, min(version) as oldest, max(version) as newest, count(*) as events
              from comments_events
              where root_id between @from and @to
              group by root_id
            ) log
            where log.newest - log.oldest + 1 <> log.events
            """),
        new("version", """
            select thread.root_id, null::bigint as comment_id, format('the version is %s, the newest event''s %s', thread.version, log.newest) as detail
            from comments_threads thread
            join (
              select root_id, max(version) as newest
              from comments_events
              where root_id between @from and @to
              group by root_id
            ) log on log.root_id = thread.root_id
            where thread.version <> log.newest
            """),
    ];

    /// <summary>Foreign keys normally prevent these; <c>closure</c> checks <c>ancestor_id</c>, which has none.</summary>
    public static readonly Invariant NoOrphans = new("no_orphans", """
        select null::bigint as root_id, tree.descendant_id as comment_id,
          format('the tree has %s rows for it, and it does not exist', count(*)) as detail
        from comments_tree tree
        where not exists (select from comments_comments c where c.id = tree.descendant_id)
        group by tree.descendant_id
        union all
        select null, likes.comment_id, format('it has %s likes, and it does not exist', count(*))
        from comments_likes likes
        where not exists (select from comments_comments c where c.id = likes.comment_id)
        group by likes.comment_id
        union all
        select null, revision.comment_id, format('it has %s revisions, and it does not exist', count(*))
        from comments_revisions revision
        where not exists (select from comments_comments c where c.id = revision.comment_id)
        group by revision.comment_id
        union all
        select thread.root_id, null, 'the thread has a row, and its root does not exist'
        from comments_threads thread
        where not exists (select from comments_comments c where c.id = thread.root_id)
        """);
}
