using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Commands.Integrity;

/// <summary>
/// Computes the correct tree from the parents, into temporary tables: each comment's place (<c>truth_comments</c>) and the closure
/// (<c>truth_tree</c>). It starts at the roots, so it ends even if there are cycles, which it never reaches.
/// </summary>
internal static class ParentTruth
{
    public static Task Create(NpgsqlConnection connection, CancellationToken ct) =>
        connection.ExecuteAsync("""
            create temporary table truth_comments (
              id        bigint primary key,
              parent_id bigint,
              root_id   bigint not null,
              depth     int    not null
            ) on commit drop;

            create temporary table truth_tree (
              ancestor_id         bigint not null,
              nearest_ancestor_id bigint not null,
              descendant_id       bigint not null,
              depth               int    not null
            ) on commit drop;

            -- Threads can be large; sort and hash in memory rather than on disk.
            set local work_mem = '64MB';

            -- Use indexes for a batch. With the default cost of a random page, the planner would scan the
            -- whole table for each batch.
            set local random_page_cost = 1.1;
            """, null, ct, timeout: 0);

    /// <returns>The number of comments in the threads with the root ids <paramref name="from"/> to <paramref name="to"/>.</returns>
    public static Task<long> Fill(NpgsqlConnection connection, long from, long to, CancellationToken ct) =>
        connection.ExecuteScalarAsync<long>("""
            truncate truth_comments, truth_tree;

            with recursive walk (id, parent_id, root_id, depth) as (
              select id, parent_id, id, 0
              from comments_comments
              where parent_id is null and id between @from and @to
              union all
              select reply.id, reply.parent_id, walk.root_id, walk.depth + 1
              from walk
              join comments_comments reply on reply.parent_id = walk.id
            )
            insert into truth_comments (id, parent_id, root_id, depth)
            select id, parent_id, root_id, depth
            from walk;

            analyze truth_comments;

            with recursive climb (ancestor_id, next_id, nearest_ancestor_id, descendant_id, depth) as (
              select id, parent_id, coalesce(parent_id, id), id, depth
              from truth_comments
              union all
              select above.id, above.parent_id, climb.nearest_ancestor_id, climb.descendant_id, climb.depth
              from climb
              join truth_comments above on above.id = climb.next_id
            )
            insert into truth_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)
            select ancestor_id, case when ancestor_id = descendant_id then descendant_id else nearest_ancestor_id end, descendant_id, depth
            from climb;

            analyze truth_tree;

            select count(*) from truth_comments;
            """, new { from, to }, ct, timeout: 0);
}
