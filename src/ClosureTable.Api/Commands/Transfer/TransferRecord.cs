using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>
/// A line of an export; other formats are read as the same records. A file begins with a <see cref="TransferHeader"/>. A user
/// comes before the first comment that names it, a comment usually before its replies.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TransferHeader), "header")]
[JsonDerivedType(typeof(TransferUser), "user")]
[JsonDerivedType(typeof(TransferComment), "comment")]
internal abstract record TransferRecord
{
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        AllowDuplicateProperties = false,
        AllowOutOfOrderMetadataProperties = true,
    };
}

/// <summary>The origin of the records.</summary>
internal sealed record TransferHeader : TransferRecord
{
    public const int CurrentVersion = 1;

    /// <summary>The version of the format. A greater one was written by a newer program and is refused.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Ids are unique within a source.</summary>
    public required string Source { get; init; }
}

/// <summary>A user who wrote, liked or edited.</summary>
internal sealed record TransferUser : TransferRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Identifies the account here, if there is one with this address.</summary>
    public string? Email { get; init; }
}

/// <summary>A comment or a tombstone.</summary>
internal sealed record TransferComment : TransferRecord
{
    public required string Id { get; init; }

    /// <summary>Null for the root of a thread.</summary>
    public string? Parent { get; init; }

    /// <summary>Null for a tombstone.</summary>
    public string? Author { get; init; }

    /// <summary>Only for a root.</summary>
    public string? Topic { get; init; }

    /// <summary>Plain text; null for a tombstone.</summary>
    public string? Content { get; init; }

    public required DateTime CreatedAt { get; init; }

    public DateTime? EditedAt { get; init; }

    /// <summary>For tombstones.</summary>
    public DateTime? DeletedAt { get; init; }

    public IReadOnlyList<TransferLike>? Likes { get; init; }

    /// <summary>The content before each edit, oldest first.</summary>
    public IReadOnlyList<TransferRevision>? Revisions { get; init; }

    /// <summary>The ids of the users whom this comment names.</summary>
    public IEnumerable<string> UserIds() =>
        (Likes ?? []).Select(like => like.User)
            .Concat((Revisions ?? []).Select(revision => revision.Editor).OfType<string>())
            .Concat(Author is null ? [] : [Author]);
}

internal sealed record TransferLike(string User, DateTime At);

/// <param name="Editor">The user who replaced this content.</param>
internal sealed record TransferRevision(string Content, DateTime WrittenAt, string? Editor);

/// <summary>A comment that cannot be read. It is counted and skipped.</summary>
internal sealed record TransferRefusal(string Reason) : TransferRecord;

/// <summary>The file has a format error; the message says where.</summary>
internal sealed class TransferFormatException(string message, Exception? cause = null) : Exception(message, cause);
