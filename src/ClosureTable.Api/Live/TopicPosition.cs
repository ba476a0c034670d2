using System.Globalization;

namespace ClosureTable.Api.Live;

/// <summary>
/// Where a client stands in the events of a topic. Its threads are written side by side, and transactions commit in another
/// order than that in which they begin: no number that a writer takes, and no clock, says what a reader has seen. A snapshot
/// does (<c>pg_current_snapshot()</c>, the text <c>xmin:xmax:xip,…</c>): an event was seen if its transaction was visible in it.
/// </summary>
/// <param name="Since">The snapshot up to which everything was seen.</param>
/// <param name="Seen">
/// Of the events that came with the next snapshot, <paramref name="Until"/>, how many were seen: a batch may be cut in the middle. What stands
/// between two snapshots, and in which order, is the same whoever asks and whenever, so that a number is enough.
/// </param>
/// <param name="Until">Null between two batches.</param>
internal sealed record TopicPosition(string Since, int Seen = 0, string? Until = null)
{
    private const int LongestText = 4096;

    /// <summary>As an event's id: <c>731:735:732</c>, or in the middle of a batch <c>731:731:+2/731:735:732</c>.</summary>
    public override string ToString() =>
        Until is null ? Since : string.Create(CultureInfo.InvariantCulture, $"{Since}+{Seen}/{Until}");

    /// <returns>Null for what no stream of a topic gave out.</returns>
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

    /// <summary>The rules of PostgreSQL's own reader, which would answer anything else with an error.</summary>
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

        // xid8 is compared as a signed number where it is read.
        static bool IsXid(string text, out ulong xid) =>
            ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out xid) && xid <= long.MaxValue;
    }
}
