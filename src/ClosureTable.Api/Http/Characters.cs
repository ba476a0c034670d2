using System.Globalization;
using System.Text;

namespace ClosureTable.Api.Http;

/// <summary>What texts are made of.</summary>
internal static class Characters
{
    /// <returns>Whether the text is well-formed UTF-16 and every code point of it passes.</returns>
    public static bool All(ReadOnlySpan<char> text, Func<Rune, bool> passes)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var consumed) != System.Buffers.OperationStatus.Done || !passes(rune))
                return false;
            text = text[consumed..];
        }

        return true;
    }

    /// <returns>Whether there is anything to see: not spaces, controls and marks without a letter alone.</returns>
    public static bool Show(ReadOnlySpan<char> text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            if (Shows(rune))
                return true;
        }

        return false;
    }

    private static bool Shows(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.OtherNotAssigned => false,
        UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => false,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark => false,
        // Letters and symbols that are blank: the fillers of Hangul, the Braille pattern without dots, the note without a head.
        _ => rune.Value is not (0x115F or 0x1160 or 0x3164 or 0xFFA0 or 0x2800 or 0x1D159),
    };
}
