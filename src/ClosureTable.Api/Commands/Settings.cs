namespace ClosureTable.Api.Commands;

/// <summary>The configuration part of a command line: <c>--Key value</c> or <c>--Key=value</c>.</summary>
internal static class Settings
{
    /// <param name="tokens">The arguments that the command does not know.</param>
    /// <param name="sectionsOnly">Whether a key must have a section, as in <c>--Comments:MaxDepth</c>, so that a mistyped option is an error.</param>
    /// <returns>An error for the first token that is not a setting, or null.</returns>
    public static string? Fault(IEnumerable<string> tokens, bool sectionsOnly)
    {
        var valueMayFollow = false;
        foreach (var token in tokens)
        {
            var isKey = token.StartsWith("--", StringComparison.Ordinal);
            if (isKey ? sectionsOnly && !token.Contains(':', StringComparison.Ordinal) : !valueMayFollow)
                return $"There is no {(isKey ? "option" : "command")} {token} here; see --help. A setting is given as --Section:Key value.";
            valueMayFollow = isKey && !token.Contains('=', StringComparison.Ordinal);
        }

        return null;
    }
}
