namespace ClosureTable.Api.Commands;

/// <summary>The part of a command line that goes to the configuration: <c>--Key value</c> or <c>--Key=value</c>.</summary>
internal static class Settings
{
    /// <param name="tokens">What the command itself did not know.</param>
    /// <param name="sectionsOnly">Whether a key has to name a section, as in <c>--Comments:MaxDepth</c>: then a mistyped option is no setting.</param>
    /// <returns>What is wrong with the first token that is no setting, or null.</returns>
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
