using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// The strong ETag of a response: <c>"root-version-variant"</c>. The version changes with every write to the thread; the variant
/// identifies the parameters and the user.
/// </summary>
internal static class ThreadTag
{
    /// <param name="snapshot">The snapshot in the cursors of a walk by likes, by which two responses for one version can differ.</param>
    public static string Of(long rootId, long version, string variant, string? snapshot = null) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{rootId}-{version}-{Hash(variant)}{(snapshot is null ? "" : $"-{Hash(snapshot)}")}\"");

    /// <summary>
    /// The tag in <c>If-None-Match</c> of a response that is still valid, or null. A response with another snapshot is still valid,
    /// because its cursors work too.
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
/// The precondition of a write (<c>If-Match</c>, RFC 9110, 13.1.1): the thread still has the version of one of the tags. Tags of any
/// response about the thread are accepted.
/// </summary>
internal readonly struct IfMatch
{
    private readonly IList<EntityTagHeaderValue>? tags;

    private IfMatch(IList<EntityTagHeaderValue> tags) => this.tags = tags;

    /// <summary>Called by the framework. A header that cannot be parsed matches no state, because the check cannot be made.</summary>
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
