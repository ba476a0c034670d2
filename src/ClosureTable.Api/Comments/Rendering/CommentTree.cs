namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// Turns flat rows into a forest, like the article's <c>make_tree</c>, but by key: in O(n), for any row order and depth, without
/// recursion.
/// </summary>
internal static class CommentTree
{
    /// <param name="tops">The top-level comments in the order of the response; those without a row are skipped.</param>
    /// <param name="sort">The order of siblings.</param>
    /// <returns>The index of the first top; the others follow by <c>NextSibling</c>.</returns>
    public static int Link(CommentRows rows, ReadOnlySpan<long> tops, CommentSort sort)
    {
        var byId = new Dictionary<long, int>(rows.Count);
        for (var index = 0; index < rows.Count; index++)
            byId.Add(rows[index].Id, index);
        var (firstTop, lastTop) = (CommentRow.None, CommentRow.None);
        foreach (var top in tops)
        {
            if (!byId.TryGetValue(top, out var index))
                continue;
            // A top stays one even if its parent is another row, as in a list of liked comments.
            rows[index].IsTop = true;
            Append(rows, ref firstTop, ref lastTop, index);
        }

        foreach (var index in Sorted(rows, sort))
        {
            ref var row = ref rows[index];
            if (row.IsTop || row.ParentId is not { } parentId || !byId.TryGetValue(parentId, out var parent))
                continue;
            row.Parent = parent;
            Append(rows, ref rows[parent].FirstChild, ref rows[parent].LastChild, index);
            rows[parent].ShownChildren++;
        }

        return firstTop;
    }

    /// <summary>The indexes of the rows, sorted. Most threads are already in order.</summary>
    private static int[] Sorted(CommentRows rows, CommentSort sort)
    {
        var indexes = new int[rows.Count];
        var keys = new (long Key, long Id)[rows.Count];
        var sorted = true;
        for (var index = 0; index < indexes.Length; index++)
        {
            indexes[index] = index;
            keys[index] = Key(rows[index], sort);
            sorted = sorted && (index == 0 || keys[index - 1].CompareTo(keys[index]) < 0);
        }

        if (!sorted)
            Array.Sort(keys, indexes);
        return indexes;
    }

    /// <summary>Ascending; descending keys are negated.</summary>
    private static (long Key, long Id) Key(in CommentRow row, CommentSort sort) => sort switch
    {
        CommentSort.Old => (row.CreatedAt.Ticks, row.Id),
        CommentSort.Top => (-row.LikeCount, -row.Id),
        _ => (-row.CreatedAt.Ticks, -row.Id),
    };

    private static void Append(CommentRows rows, ref int first, ref int last, int index)
    {
        if (last == CommentRow.None)
            first = index;
        else
            rows[last].NextSibling = index;
        last = index;
    }
}
