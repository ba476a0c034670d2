using System.Globalization;

namespace ClosureTable.Api.Live;

/// <summary>
/// A client's position in the events of a topic: a snapshot (<c>pg_current_snapshot()</c>, as <c>xmin:xmax:xip,…</c>), in which the
/// events seen were visible. Transactions commit in a different order than they begin, so no number or time could say that.
/// </summary>
/// <param name="Since">The snapshot up to which everything was seen.</param>
/// <param name="Seen">
/// The number of events seen between <paramref name="Since"/> and <paramref name="Until"/>, for a client cut off within a batch.
/// The events between two snapshots are the same, in the same order, in every read.
/// </param>
/// <param name="Until">Null between two batches.</param>
internal sealed record TopicPosition(string Since, int Seen = 0, string? Until = null)
{
    private const int LongestText = 4096;

    /// <summary>As an event id: <c>731:735:732</c>, or within a batch <c>731:731:+2/731:735:732</c>.</summary>
    public override string ToString() =>
        Until is null ? Since : string.Create(CultureInfo.InvariantCulture, $"{Since}+{Seen}/{Until}");

    /// <returns>Null if it is not an id of a topic's stream.</returns>
    public static TopicPosition? Parse(string text)
    {
        if (text.Length > LongestText)
            return null;
        if (text.Split('/') is not [var since, .. var rest])
            return null;
        if (rest is [])
            return IsSnapshot(since) ? new TopicPosition(since) : null;
        return rest is [var until] && IsSnapshot(until)
            && since.Split('+') is [var from, var seen] && IsSnapshot(from)
            && int.TryParse(seen, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? new TopicPosition(from, count, until)
            : null;
    }

    /// <summary>The same rules as PostgreSQL's parser, which would raise an error.</summary>
    private static bool IsSnapshot(string text)
    {
        if (text.Split(':') is not [var first, var second, var list] || !IsXid(first, out var xmin) || !IsXid(second, out var xmax) || xmin == 0 || xmax < xmin)
            return false;
        var last = xmin;
        foreach (var item in list.Length == 0 ? [] : list.Split(','))
        {
            if (!IsXid(item, out var xid) || xid < last || xid >= xmax)
                return false;
            last = xid;
        }

        return true;

        // PostgreSQL reads xid8 as a signed number.
        static bool IsXid(string text, out ulong xid) =>
            ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out xid) && xid <= long.MaxValue;
    }
}
