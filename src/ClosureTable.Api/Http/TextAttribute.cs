using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace ClosureTable.Api.Http;

/// <summary>
/// Text that PostgreSQL can hold: <paramref name="min"/> to <paramref name="max"/> characters (Unicode code points, as
/// PostgreSQL counts them) after trimming, without U+0000 and without lone surrogates. Null is left to <c>required</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class TextAttribute(int min, int max) : ValidationAttribute
{
    public int Min => min;

    public int Max => max;

    /// <summary>Whether people are to see something of it: invisible characters alone are not enough.</summary>
    public bool Visible { get; init; }

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        if (value is not string text)
            return ValidationResult.Success;
        var trimmed = text.AsSpan().Trim();
        var length = 0;
        var sentence =
            !Characters.All(trimmed, rune => rune.Value != 0 && ++length > 0) ? "This must be text without U+0000 and without lone surrogates."
            : length < min || length > max ? string.Create(CultureInfo.InvariantCulture, $"This must have {min} to {max} characters.")
            : Visible && !Characters.Show(trimmed) ? "This must have something to see in it."
            : null;
        // From ValidationAttribute.IsValid(object?) there is no context, whatever its type says.
        return sentence is null ? ValidationResult.Success : new(sentence, validationContext?.MemberName is { } name ? [name] : null);
    }
}

/// <summary>One of a few words, or nothing.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class OneOfAttribute : AllowedValuesAttribute
{
    public OneOfAttribute(params string[] values) : base([null, .. values]) =>
        ErrorMessage = $"This must be {string.Join(", ", values[..^1])} or {values[^1]}.";
}
