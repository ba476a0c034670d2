using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Comments;

/// <summary>The statements that write <c>comments_tree</c>. All of them require the thread to be locked.</summary>
internal static class Closure
{
    /// <summary>The row that pairs the comment <c>@id</c> with itself.</summary>
    public const string Self = """
        insert into comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)
        values (@id, @id, @id, @depth);
        """;

    /// <summary>The article's statement: the product has one row for each ancestor of the new comment.</summary>
    public const string Reply = """
        insert into comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)
        select
          descendant.ancestor_id,
          nearest.nearest_ancestor_id,
          ancestor.descendant_id,
          nearest.depth + 1
        from
          comments_tree as descendant,
          comments_tree as nearest,
          comments_tree as ancestor
        where descendant.descendant_id = @parentId
          and ancestor.ancestor_id = @id
          and nearest.ancestor_id = @parentId
          and nearest.descendant_id = @parentId;
        """;

    /// <summary>The first half of a move: removes the pairs of the old ancestors with the subtree <c>@moved</c>.</summary>
    public const string Cut = """
        delete from comments_tree
        where descendant_id = any(@moved)
          and ancestor_id in (select ancestor_id from comments_tree where descendant_id = @oldParentId);
        """;

    /// <summary>The second half, after the comments were updated: adds the pairs of the new ancestors with the subtree.</summary>
    public const string Join = """
        update comments_tree
        set depth = depth + @shift
        where descendant_id = any(@moved);

        insert into comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)
        select above.ancestor_id, below.parent_id, below.id, below.depth
        from comments_tree above, comments_comments below
        where above.descendant_id = @parentId
          and below.id = any(@moved);
        """;

    /// <summary>Adds all missing rows of the comments <c>@ids</c>, derived from the parents.</summary>
    public const string FromParents = """
        insert into comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth)
        with recursive up (ancestor_id, nearest_ancestor_id, descendant_id, depth) as (
          select parent_id, parent_id, id, depth
          from comments_comments
          where id = any(@ids) and parent_id is not null
          union all
          select above.parent_id, up.nearest_ancestor_id, up.descendant_id, up.depth
          from up
          join comments_comments above on above.id = up.ancestor_id
          where above.parent_id is not null
        )
        select ancestor_id, nearest_ancestor_id, descendant_id, depth
        from up
        union all
        select id, id, id, depth
        from comments_comments
        where id = any(@ids)
        on conflict (ancestor_id, descendant_id) do nothing;
        """;

    /// <summary>For new threads that are not visible to other transactions: rows by <see cref="CopyRow"/>.</summary>
    public const string Copy = "copy comments_tree (ancestor_id, nearest_ancestor_id, descendant_id, depth) from stdin (format binary)";

    public static async Task CopyRow(
        NpgsqlBinaryImporter copy, long ancestorId, long nearestAncestorId, long descendantId, int depth, CancellationToken ct)
    {
        await copy.StartRowAsync(ct);
        await copy.WriteAsync(ancestorId, NpgsqlDbType.Bigint, ct);
        await copy.WriteAsync(nearestAncestorId, NpgsqlDbType.Bigint, ct);
        await copy.WriteAsync(descendantId, NpgsqlDbType.Bigint, ct);
        await copy.WriteAsync(depth, NpgsqlDbType.Integer, ct);
    }
}
