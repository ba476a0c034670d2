using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using ClosureTable.Api.Http;

namespace ClosureTable.Api.Accounts;

/// <summary>An e-mail address, as far as that can be told without sending a message; its length is that of RFC 5321, after trimming.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EmailAttribute : ValidationAttribute
{
    public const int MaxLength = 254;

    public EmailAttribute() => ErrorMessage = string.Create(CultureInfo.InvariantCulture, $"Must be an e-mail address of at most {MaxLength} characters.");

    public override bool IsValid(object? value)
    {
        if (value is not string text)
            return true;
        var email = text.AsSpan().Trim();
        var at = email.IndexOf('@');
        return email.Length <= MaxLength
            && at > 0 && at < email.Length - 1 && at == email.LastIndexOf('@')
            && Characters.All(email, rune => !Rune.IsWhiteSpace(rune) && !Rune.IsControl(rune));
    }
}

/// <summary>
/// <see cref="Min"/> to 128 Unicode code points. U+0000 is refused: HMAC pads a short key with zeros, so a password with and
/// without a trailing U+0000 would be the same.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PasswordAttribute : ValidationAttribute
{
    public const int Max = 128;

    public int Min { get; init; } = 8;

    public override bool IsValid(object? value)
    {
        if (value is not string password)
            return true;
        var length = 0;
        return Characters.All(password, rune => rune.Value != 0 && ++length <= Max) && length >= Min;
    }

    public override string FormatErrorMessage(string name) =>
        string.Create(CultureInfo.InvariantCulture, $"Must be {Min} to {Max} characters long and must not contain U+0000.");
}

/// <summary>A user's name, on one line: no control characters, line separators or changes of direction.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class NameAttribute : TextAttribute
{
    public const int MaxLength = 64;

    public NameAttribute() : base(1, MaxLength) => Visible = true;

    protected override ValidationResult? IsValid(object? value, ValidationContext validationContext) =>
        base.IsValid(value, validationContext)
        ?? (value is not string text || Characters.All(text.AsSpan().Trim(), Allowed)
            ? ValidationResult.Success
            : new("Must be on one line, without control characters.", [validationContext.MemberName!]));

    /// <summary>Makes a name from elsewhere fit these rules.</summary>
    /// <returns>Null where nothing visible is left.</returns>
    public static string? Clean(string other)
    {
        var name = string.Concat(other.Trim().EnumerateRunes().Where(Allowed).Take(MaxLength)).Trim();
        return Characters.Show(name) ? name : null;
    }

    /// <summary>Marks, embeddings, overrides and isolates of direction would reverse the text that follows the name.</summary>
    private static bool Allowed(Rune rune) =>
        !Rune.IsControl(rune) && rune.Value is not (0x2028 or 0x2029 or 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069));
}
