using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;

namespace ClosureTable.Api.Hosting;

/// <summary>
/// Text that PostgreSQL can hold: <paramref name="min"/> to <paramref name="max"/> characters (Unicode code points, as
/// PostgreSQL counts them) after trimming, without U+0000 and without lone surrogates. Null is left to <c>required</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class TextAttribute(int min, int max) : ValidationAttribute
{
    public int Min => min;

    public int Max => max;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext)
    {
        if (value is not string text)
            return ValidationResult.Success;
        var trimmed = text.AsSpan().Trim();
        var length = 0;
        foreach (var rune in trimmed.EnumerateRunes())
        {
            // EnumerateRunes turns a lone surrogate into U+FFFD; the real character U+FFFD is fine.
            if (rune.Value == 0 || rune == Rune.ReplacementChar && HasLoneSurrogate(trimmed))
                return Failed("must be text without U+0000 and without lone surrogates.", validationContext);
            length++;
        }

        return length >= min && length <= max
            ? ValidationResult.Success
            : Failed(string.Create(CultureInfo.InvariantCulture, $"must have {min} to {max} characters."), validationContext);
    }

    /// <param name="context">Null from <see cref="ValidationAttribute.IsValid(object?)"/>, whatever its type says.</param>
    private static ValidationResult Failed(string sentence, ValidationContext? context) =>
        new($"This {sentence}", context?.MemberName is { } name ? [name] : null);

    private static bool HasLoneSurrogate(ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out _, out var consumed) != System.Buffers.OperationStatus.Done)
                return true;
            text = text[consumed..];
        }

        return false;
    }
}

/// <summary>One of a few words, or nothing.</summary>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
internal sealed class OneOfAttribute : AllowedValuesAttribute
{
    public OneOfAttribute(params string[] values) : base([null, .. values]) =>
        ErrorMessage = $"This must be {string.Join(", ", values[..^1])} or {values[^1]}.";
}
