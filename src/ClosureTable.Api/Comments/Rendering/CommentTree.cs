using System.Buffers;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// Flat rows to a forest, as the article's <c>make_tree</c>, but by key: in any row order, at any depth, in O(n log n) or
/// better, without recursion. The article's version walks the tree for each row, and loses a row that comes before its parent.
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
        using var byId = Order<long>.Of(rows, (in CommentRow row) => row.Id);
        var firstTop = CommentRow.None;
        var lastTop = CommentRow.None;
        foreach (var top in tops)
        {
            if (!byId.TryFind(top, out var index))
                continue;
            // A top stays one even where its parent is another row, as in a list of what somebody liked.
            rows[index].IsTop = true;
            Append(rows, ref firstTop, ref lastTop, index);
        }

        using var siblings = Order<SiblingKey>.Of(rows, (in CommentRow row) => SiblingKey.Of(row, sort));
        foreach (var index in siblings.Indexes)
        {
            ref var row = ref rows[index];
            if (row.IsTop || row.ParentId is not { } parentId || !byId.TryFind(parentId, out var parent))
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

    private delegate TKey KeyOf<TKey>(in CommentRow row);

    /// <summary>
    /// The indexes of rows in the order of a key, in rented arrays. A thread read through its index mostly comes in the order in
    /// which it was written, and then there is nothing to sort.
    /// </summary>
    private readonly ref struct Order<TKey> where TKey : IComparable<TKey>
    {
        private readonly TKey[] keys;
        private readonly int[] indexes;
        private readonly int count;

        private Order(int count)
        {
            this.count = count;
            keys = ArrayPool<TKey>.Shared.Rent(count);
            indexes = ArrayPool<int>.Shared.Rent(count);
        }

        public ReadOnlySpan<int> Indexes => indexes.AsSpan(0, count);

        public static Order<TKey> Of(CommentRows rows, KeyOf<TKey> keyOf)
        {
            var order = new Order<TKey>(rows.Count);
            var sorted = true;
            for (var index = 0; index < order.count; index++)
            {
                order.indexes[index] = index;
                order.keys[index] = keyOf(rows[index]);
                sorted = sorted && (index == 0 || order.keys[index - 1].CompareTo(order.keys[index]) < 0);
            }

            if (!sorted)
                Array.Sort(order.keys, order.indexes, 0, order.count);
            return order;
        }

        public bool TryFind(TKey key, out int index)
        {
            var place = Array.BinarySearch(keys, 0, count, key);
            index = place < 0 ? CommentRow.None : indexes[place];
            return place >= 0;
        }

        public void Dispose()
        {
            ArrayPool<TKey>.Shared.Return(keys);
            ArrayPool<int>.Shared.Return(indexes);
        }
    }
}
