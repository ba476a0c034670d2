namespace ClosureTable.Api.Comments;

/// <summary>
/// Flat rows to a forest, as the article's <c>make_tree</c>, but by key: in any row order, at any depth, in O(n) plus the
/// sort of siblings, without recursion. The article's version walks the tree for each row, and loses a row that comes before its parent.
/// </summary>
internal static class CommentTree
{
    /// <summary>Links the rows to their parents, siblings in the order of <paramref name="sort"/>.</summary>
    /// <param name="rows">The rows, in any order.</param>
    /// <param name="tops">The comments at the top, in the order in which they are to be shown; one that is not among the rows is passed over.</param>
    /// <param name="sort">The order of siblings.</param>
    /// <returns>The index of the first top; the others follow by <c>NextSibling</c>. <see cref="CommentRow.None"/> without any.</returns>
    public static int Link(CommentRows rows, ReadOnlySpan<long> tops, CommentSort sort)
    {
        var indexOf = new Dictionary<long, int>(rows.Count);
        for (var index = 0; index < rows.Count; index++)
            indexOf.Add(rows[index].Id, index);

        var firstTop = CommentRow.None;
        var lastTop = CommentRow.None;
        foreach (var top in tops)
        {
            if (!indexOf.TryGetValue(top, out var index))
                continue;
            // A top stays one even where its parent is another row, as in a list of what somebody liked.
            rows[index].IsTop = true;
            Append(rows, ref firstTop, ref lastTop, index);
        }

        foreach (var index in Ordered(rows, sort))
        {
            ref var row = ref rows[index];
            if (row.IsTop || row.ParentId is not { } parentId || !indexOf.TryGetValue(parentId, out var parent))
                continue;
            row.Parent = parent;
            Append(rows, ref rows[parent].FirstChild, ref rows[parent].LastChild, index);
            rows[parent].ShownChildren++;
        }

        return firstTop;
    }

    private static void Append(CommentRows rows, ref int first, ref int last, int index)
    {
        if (last == CommentRow.None)
            first = index;
        else
            rows[last].NextSibling = index;
        last = index;
    }

    private static int[] Ordered(CommentRows rows, CommentSort sort)
    {
        var order = new int[rows.Count];
        var keys = new SiblingKey[rows.Count];
        var sorted = true;
        for (var index = 0; index < order.Length; index++)
        {
            order[index] = index;
            keys[index] = SiblingKey.Of(rows[index], sort);
            sorted = sorted && (index == 0 || keys[index - 1].CompareTo(keys[index]) < 0);
        }

        // A thread read through its index mostly comes in the order in which it was written.
        if (!sorted)
            Array.Sort(keys, order);
        return order;
    }

    /// <summary>Ascending by key, then by id; what is shown in descending order has both negated.</summary>
    private readonly record struct SiblingKey(long Key, long Id) : IComparable<SiblingKey>
    {
        public static SiblingKey Of(in CommentRow row, CommentSort sort) => sort switch
        {
            CommentSort.Old => new(row.CreatedAt.Ticks, row.Id),
            CommentSort.New => new(-row.CreatedAt.Ticks, -row.Id),
            _ => new(-row.LikeCount, -row.Id),
        };

        public int CompareTo(SiblingKey other) =>
            Key != other.Key ? Key.CompareTo(other.Key) : Id.CompareTo(other.Id);
    }
}
