using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text;
using ClosureTable.Api.Http;

namespace ClosureTable.Api.Accounts;

/// <summary>
/// An e-mail address as far as it can be told without sending a message: at most 254 characters (RFC 5321) after
/// trimming, something on both sides of the only <c>@</c>, no spaces and no control characters.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EmailAttribute : ValidationAttribute
{
    private const int MaxLength = 254;

    public EmailAttribute() : base("This must be an e-mail address of at most 254 characters.") { }

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
/// <see cref="Min"/> to 128 Unicode code points, whatever they are, but U+0000: PBKDF2 keys an HMAC with the password and
/// HMAC fills a short key up with zeros, so a password and the same with U+0000 behind it would be one.
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
        string.Create(CultureInfo.InvariantCulture, $"This must have {Min} to {Max} characters, none of them U+0000.");
}

/// <summary>Nothing that breaks out of a line: no control characters, line separators or changes of direction.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OneLineAttribute : ValidationAttribute
{
    public OneLineAttribute() : base("This must stand on one line, without control characters.") { }

    public override bool IsValid(object? value) => value is not string text || Characters.All(text.AsSpan().Trim(), Allowed);

    /// <summary>A name that was told elsewhere, made fit to stand beside comments.</summary>
    /// <returns>Null where nothing is left to see.</returns>
    public static string? Clean(string told)
    {
        var name = string.Concat(told.Trim().EnumerateRunes().Where(Allowed).Take(64)).Trim();
        return Characters.Show(name) ? name : null;
    }

    /// <summary>A mark, embedding, override or isolate of direction would turn round whatever is printed after the name.</summary>
    private static bool Allowed(Rune rune) =>
        !Rune.IsControl(rune) && rune.Value is not (0x2028 or 0x2029 or 0x061C or 0x200E or 0x200F or (>= 0x202A and <= 0x202E) or (>= 0x2066 and <= 0x2069));
}
