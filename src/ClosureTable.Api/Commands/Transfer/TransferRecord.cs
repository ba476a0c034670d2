using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>
/// A line of an export; all other formats are read as the same records. A file starts with a <see cref="TransferHeader"/>; a user comes
/// before the comments that refer to it, a comment usually before its replies.
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

    /// <summary>Of the format; a newer version is rejected.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Within one source, an id always means the same record.</summary>
    public required string Source { get; init; }
}

/// <summary>An author, editor or liker.</summary>
internal sealed record TransferUser : TransferRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Used to find the account here.</summary>
    public string? Email { get; init; }
}

/// <summary>A comment or tombstone.</summary>
internal sealed record TransferComment : TransferRecord
{
    public required string Id { get; init; }

    /// <summary>Null for the root of a thread.</summary>
    public string? Parent { get; init; }

    /// <summary>Null for a tombstone.</summary>
    public string? Author { get; init; }

    /// <summary>For roots.</summary>
    public string? Topic { get; init; }

    /// <summary>Plain text; null for a tombstone.</summary>
    public string? Content { get; init; }

    public required DateTime CreatedAt { get; init; }

    public DateTime? EditedAt { get; init; }

    /// <summary>For tombstones.</summary>
    public DateTime? DeletedAt { get; init; }

    public IReadOnlyList<TransferLike>? Likes { get; init; }

    /// <summary>The text before each edit, oldest first.</summary>
    public IReadOnlyList<TransferRevision>? Revisions { get; init; }
}

/// <param name="User">The user who likes the comment.</param>
/// <param name="At">The time of the like.</param>
internal sealed record TransferLike(string User, DateTime At);

/// <param name="Content">The earlier text.</param>
/// <param name="WrittenAt">The time when it was written.</param>
/// <param name="Editor">The user who replaced it.</param>
internal sealed record TransferRevision(string Content, DateTime WrittenAt, string? Editor);

/// <summary>The file is invalid; the message says where.</summary>
internal sealed class TransferFormatException(string message, Exception? cause = null) : Exception(message, cause);
