using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Commands.Integrity;

/// <summary>
/// What the tree must be. Of all that is stored twice the parents are the truth: this follows them down from the roots and
/// writes the place of each comment (<c>truth_comments</c>) and the whole closure (<c>truth_tree</c>) into temporary
/// tables, for <see cref="Verification"/> to compare with and for <see cref="Repair"/> to copy from.
/// </summary>
/// <remarks>
/// Going down from roots ends whatever the data: a comment has one parent, so none is met twice. A comment on a cycle, or
/// below one, or below a parent that does not exist, is never met; it has no place.
/// </remarks>
internal static class ParentTruth
{
    /// <summary>Makes the temporary tables, which go with the transaction.</summary>
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

            -- A thread may be large; what it needs is sorted and hashed in memory rather than on disk.
            set local work_mem = '64MB';

            -- A batch is looked up by index. At the default price of a random page the planner would rather read the whole
            -- table for each batch: 9 times slower with a million comments.
            set local random_page_cost = 1.1;
            """, null, ct, timeout: 0);

    /// <summary>Fills the tables with the threads whose roots have the ids <paramref name="from"/> to <paramref name="to"/>.</summary>
    /// <returns>The number of comments in them.</returns>
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
