using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace ClosureTable.Api.Http;

// The framework's sentences name C# members; a client sees the field's name beside the sentence. So each rule has a sentence of its own.

/// <summary>A field that must be sent, and must not be empty.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal class RequiredAttribute : System.ComponentModel.DataAnnotations.RequiredAttribute
{
    public const string Sentence = "This is required.";

    public RequiredAttribute() => ErrorMessage = Sentence;
}

/// <summary>
/// Text that PostgreSQL can hold: <paramref name="min"/> to <paramref name="max"/> characters (Unicode code points, as
/// PostgreSQL counts them) after trimming, without U+0000 and without lone surrogates. Null is valid.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal class TextAttribute(int min, int max) : ValidationAttribute
{
    public int Min => min;

    /// <summary>Whether some character must be visible.</summary>
    public bool Visible { get; init; }

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        if (value is not string text)
            return ValidationResult.Success;
        var trimmed = text.AsSpan().Trim();
        var length = 0;
        var sentence =
            !Characters.All(trimmed, rune => rune.Value != 0 && ++length > 0) ? "Must not contain U+0000 or lone surrogates."
            : length < min || length > max ? string.Create(CultureInfo.InvariantCulture, $"Must be {min} to {max:N0} characters long.")
            : Visible && !Characters.Show(trimmed) ? "Must contain a visible character."
            : null;
        // From ValidationAttribute.IsValid(object?) the context is null, despite its type.
        return sentence is null ? ValidationResult.Success : new(sentence, validationContext?.MemberName is { } name ? [name] : null);
    }
}

/// <summary>A whole number in a range. What does not parse as a number gets the same sentence.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal class NumberAttribute(int min, int max) : RangeAttribute(min, max)
{
    public override string FormatErrorMessage(string name) =>
        string.Create(CultureInfo.InvariantCulture, $"Must be a whole number from {Minimum} to {Maximum:N0}.");
}

/// <summary>One of a few words, or null.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class OneOfAttribute : AllowedValuesAttribute
{
    public OneOfAttribute(params string[] values) : base([null, .. values]) =>
        ErrorMessage = $"Must be {string.Join(", ", values[..^1])} or {values[^1]}.";
}
