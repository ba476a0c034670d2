using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// The strong ETag of an answer about a thread: <c>"root-version-variant"</c>. The version changes with every write to the
/// thread, the variant stands for what was asked for and by whom.
/// </summary>
internal static class ThreadTag
{
    /// <param name="variant">Everything besides the thread's state on which the answer depends.</param>
    /// <param name="snapshot">
    /// What the cursors of a walk by likes hold: two answers about one version differ in it, and a strong tag is of equal bytes.
    /// </param>
    public static string Of(long rootId, long version, string variant, string? snapshot = null) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{rootId}-{version}-{Hash(variant)}{(snapshot is null ? "" : $"-{Hash(snapshot)}")}\"");

    /// <summary>
    /// The tag in <c>If-None-Match</c> of an answer that is still right, or null: also of one with the cursors of an earlier
    /// moment, which lead on as well.
    /// </summary>
    public static string? StillRight(HttpRequest request, long rootId, long version, string variant)
    {
        var tag = Of(rootId, version, variant);
        if (Etags.NoneMatch(request, tag))
            return tag;
        return EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var given)
            ? given.Select(other => other.Tag.ToString()).FirstOrDefault(other => other.StartsWith(tag[..^1] + "-", StringComparison.Ordinal))
            : null;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 6));
}

/// <summary>
/// The precondition of a write (<c>If-Match</c>, RFC 9110, 13.1.1): the thread is in the state that one of the tags names.
/// A tag of any response about the thread is accepted.
/// </summary>
internal readonly struct IfMatch
{
    private readonly IList<EntityTagHeaderValue>? tags;

    private IfMatch(IList<EntityTagHeaderValue> tags) => this.tags = tags;

    /// <summary>How the framework binds the header. One that cannot be parsed matches no state: the client asked for a check that cannot be made.</summary>
    public static bool TryParse(string? header, out IfMatch ifMatch)
    {
        ifMatch = new(EntityTagHeaderValue.TryParseList([header ?? ""], out var tags) ? tags : []);
        return true;
    }

    public bool Holds(long rootId, long version)
    {
        if (tags is null)
            return true;
        var prefix = string.Create(CultureInfo.InvariantCulture, $"\"{rootId}-{version}-");
        return tags.Any(tag => tag == EntityTagHeaderValue.Any || !tag.IsWeak && tag.Tag.StartsWith(prefix, StringComparison.Ordinal));
    }
}
