using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>
/// A line of an export, and what every other format is read as. A file begins with a <see cref="TransferHeader"/>; a user
/// comes before the first comment that names him, a comment usually before its replies.
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

/// <summary>Where the records come from.</summary>
internal sealed record TransferHeader : TransferRecord
{
    public const int CurrentVersion = 1;

    /// <summary>Of the format; a greater one was written by a newer program, and is refused.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Within one source an id means one thing for ever.</summary>
    public required string Source { get; init; }
}

/// <summary>Somebody who wrote, liked or edited.</summary>
internal sealed record TransferUser : TransferRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Finds the account here, if there is one with this address.</summary>
    public string? Email { get; init; }
}

/// <summary>A comment, or what is left of one.</summary>
internal sealed record TransferComment : TransferRecord
{
    public required string Id { get; init; }

    /// <summary>Null for the root of a thread.</summary>
    public string? Parent { get; init; }

    /// <summary>Null for a tombstone.</summary>
    public string? Author { get; init; }

    /// <summary>Of a root.</summary>
    public string? Topic { get; init; }

    /// <summary>Plain text; null for a tombstone.</summary>
    public string? Content { get; init; }

    public required DateTime CreatedAt { get; init; }

    public DateTime? EditedAt { get; init; }

    /// <summary>Set for a tombstone.</summary>
    public DateTime? DeletedAt { get; init; }

    public IReadOnlyList<TransferLike>? Likes { get; init; }

    /// <summary>What it said before each edit, oldest first.</summary>
    public IReadOnlyList<TransferRevision>? Revisions { get; init; }
}

/// <param name="User">Who likes the comment.</param>
/// <param name="At">Since when.</param>
internal sealed record TransferLike(string User, DateTime At);

/// <param name="Content">What the comment said.</param>
/// <param name="WrittenAt">Since when it said that.</param>
/// <param name="Editor">Who changed it.</param>
internal sealed record TransferRevision(string Content, DateTime WrittenAt, string? Editor);

/// <summary>The file is not what it should be; the sentence says where.</summary>
internal sealed class TransferFormatException(string message, Exception? cause = null) : Exception(message, cause);
