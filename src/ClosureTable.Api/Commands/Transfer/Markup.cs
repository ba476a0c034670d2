using System.Globalization;
using NUglify;
using NUglify.Html;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>Converts what other systems' exports contain.</summary>
internal static class Markup
{
    /// <summary>Converts HTML to plain text: paragraphs and line breaks stay, links become URLs, other elements their text.</summary>
    public static string PlainText(string? html) => string.IsNullOrWhiteSpace(html) ? ""
        : Uglify.HtmlToText(html, HtmlToTextOptions.KeepStructure).Code?.Trim() ?? "";

    /// <summary>The page's URL without its query, which is the embedded thread's default topic.</summary>
    public static string TopicOf(string? link) =>
        Uri.TryCreate(link?.Trim(), UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri.GetLeftPart(UriPartial.Path) : link?.Trim() ?? "";

    public static DateTime Time(string? text, string commentId) =>
        DateTime.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time : throw new TransferFormatException($"The time of comment {commentId} is invalid: '{text}'.");
}
