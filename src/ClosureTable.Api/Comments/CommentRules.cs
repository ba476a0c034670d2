using System.ComponentModel.DataAnnotations;
using System.Globalization;
using ClosureTable.Api.Http;

namespace ClosureTable.Api.Comments;

/// <summary>The text of a comment; equal to the constraint <c>comments_comments_content_length</c>.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ContentAttribute : TextAttribute
{
    public const int MaxLength = 10_000;

    public ContentAttribute() : base(1, MaxLength) => Visible = true;
}

/// <summary>The topic of a thread; equal to the constraint <c>comments_threads_topic_length</c>.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class TopicAttribute() : TextAttribute(1, MaxLength)
{
    public const int MaxLength = 512;
}

/// <summary>The new parent of a comment, which may be null but not absent.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ParentRequiredAttribute : Http.RequiredAttribute
{
    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        validationContext.ObjectInstance is MoveCommentRequest { IsParentSent: true } ? ValidationResult.Success : new(Sentence, [validationContext.MemberName!]);
}

[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class TopicsAttribute : ValidationAttribute
{
    public const int MaxCount = 100;

    private static readonly TopicAttribute Topic = new();

    public TopicsAttribute() => ErrorMessage = string.Create(
        CultureInfo.InvariantCulture, $"Must be 1 to {MaxCount} topics, each 1 to {TopicAttribute.MaxLength} characters long and without U+0000.");

    public override bool IsValid(object? value) => value is string[] { Length: >= 1 and <= MaxCount } topics && topics.All(Topic.IsValid);
}

[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class PageSizeAttribute() : NumberAttribute(1, 100);

[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class DepthAttribute() : NumberAttribute(0, 1000);

/// <summary>An <c>Idempotency-Key</c>; its length is equal to the constraint <c>idempotency_keys_key_length</c>.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
internal sealed class KeyAttribute : ValidationAttribute
{
    public const int MaxLength = 255;

    public KeyAttribute() => ErrorMessage = string.Create(CultureInfo.InvariantCulture, $"Must be 1 to {MaxLength} printable ASCII characters.");

    public override bool IsValid(object? value) =>
        value is not string key || key.Length is >= 1 and <= MaxLength && key.All(character => character is >= ' ' and <= '~');
}
