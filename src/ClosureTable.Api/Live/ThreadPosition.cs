using System.Globalization;

namespace ClosureTable.Api.Live;

/// <summary>
/// Where a client stands in the events of a thread: after a version of it. As an event's id this is the version alone in the
/// stream of the root, and <c>root-version</c> in the stream of any other comment, which may move to another thread while
/// the client is away: a version says nothing there.
/// </summary>
internal readonly record struct ThreadPosition(long RootId, long Version)
{
    /// <summary>What stands before the version in the ids of a stream that was opened at a comment of the thread.</summary>
    public static string Prefix(long commentId, long rootId) =>
        commentId == rootId ? "" : string.Create(CultureInfo.InvariantCulture, $"{rootId}-");

    /// <returns>Null for what no stream of a thread gave out.</returns>
    public static ThreadPosition? Parse(string text, long commentId)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        var rootId = commentId;
        if (dash >= 0 && !TryRead(text.AsSpan(0, dash), out rootId) || !TryRead(text.AsSpan(dash + 1), out var version))
            return null;
        return new ThreadPosition(rootId, version);

        static bool TryRead(ReadOnlySpan<char> text, out long number) =>
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
