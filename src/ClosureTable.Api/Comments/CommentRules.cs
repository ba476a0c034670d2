using System.ComponentModel.DataAnnotations;
using System.Globalization;
using ClosureTable.Api.Http;

namespace ClosureTable.Api.Comments;

/// <summary>The text of a comment; <c>comments_comments_content_length</c> says the same.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ContentAttribute : TextAttribute
{
    public const int MaxLength = 10_000;

    public ContentAttribute() : base(1, MaxLength) => Visible = true;
}

/// <summary>The topic of a thread; <c>comments_threads_topic_length</c> says the same.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class TopicAttribute() : TextAttribute(1, MaxLength)
{
    public const int MaxLength = 512;
}

/// <summary>The new parent of a comment, which must be sent and may be null.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ParentRequiredAttribute : Http.RequiredAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        validationContext.ObjectInstance is MoveCommentRequest { IsParentSent: true } ? ValidationResult.Success : new(Sentence, [validationContext.MemberName!]);
}

/// <summary>A few topics at a time.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class TopicsAttribute : ValidationAttribute
{
    public const int MaxCount = 100;

    private static readonly TopicAttribute Topic = new();

    public TopicsAttribute() => ErrorMessage = string.Create(
        CultureInfo.InvariantCulture, $"Must be 1 to {MaxCount} topics, each 1 to {TopicAttribute.MaxLength} characters long and without U+0000.");

    public override bool IsValid(object? value) => value is string[] { Length: >= 1 and <= MaxCount } topics && topics.All(Topic.IsValid);
}

/// <summary>Comments on a page.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class PageSizeAttribute() : NumberAttribute(1, 100);

/// <summary>Levels of replies.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class DepthAttribute() : NumberAttribute(0, 1000);

/// <summary>An <c>Idempotency-Key</c>; <c>idempotency_keys_key_length</c> says the same of its length.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class KeyAttribute : ValidationAttribute
{
    public const int MaxLength = 255;

    public KeyAttribute() => ErrorMessage = string.Create(CultureInfo.InvariantCulture, $"Must be 1 to {MaxLength} printable ASCII characters.");

    public override bool IsValid(object? value) =>
        value is not string key || key.Length is >= 1 and <= MaxLength && key.All(character => character is >= ' ' and <= '~');
}
