using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Comments;

/// <summary>
/// The strong ETag of an answer about a thread: <c>"root-version-variant"</c>. The version changes with every write to the
/// thread, the variant stands for what was asked for and by whom.
/// </summary>
internal static class ThreadTag
{
    /// <param name="variant">Everything besides the thread's state on which the answer depends.</param>
    public static string Of(long rootId, long version, string variant) => string.Create(
        CultureInfo.InvariantCulture, $"\"{rootId}-{version}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(variant)).AsSpan(0, 6))}\"");
}

/// <summary>
/// The precondition of a write (<c>If-Match</c>, RFC 9110, 13.1.1): the thread is in the state that one of the tags names.
/// Any answer about the thread will do, whatever it showed of it.
/// </summary>
internal readonly struct IfMatch
{
    private readonly IList<EntityTagHeaderValue>? tags;

    /// <summary>A header that cannot be read holds for no state: the client asked for a check that we cannot make.</summary>
    public IfMatch(StringValues header) =>
        tags = header.Count == 0 ? null : EntityTagHeaderValue.TryParseList(header, out var parsed) ? parsed : [];

    public bool Holds(long rootId, long version)
    {
        if (tags is null)
            return true;
        var prefix = string.Create(CultureInfo.InvariantCulture, $"\"{rootId}-{version}-");
        return tags.Any(tag => tag == EntityTagHeaderValue.Any || !tag.IsWeak && tag.Tag.StartsWith(prefix, StringComparison.Ordinal));
    }
}
