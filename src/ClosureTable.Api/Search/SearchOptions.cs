using System.ComponentModel.DataAnnotations;

namespace ClosureTable.Api.Search;

/// <summary>The section <c>Search</c> of the configuration.</summary>
internal sealed record SearchOptions
{
    /// <summary>
    /// PostgreSQL's text-search configuration. <c>simple</c> only folds case and works for any language; <c>english</c> also stems words
    /// and ignores stop words. All instances on a database need the same one; see <see cref="SearchColumn"/> for the cost of a change.
    /// </summary>
    [Required(ErrorMessage = "Search__Configuration must name a text-search configuration of PostgreSQL, such as simple.")]
    public string Configuration { get; init; } = "simple";

    /// <summary>How many of the newest matches a search ranks. This number, not the size of the table, determines the duration of a search.</summary>
    [Range(100, 10_000, ErrorMessage = "Search__MaxCandidates must be a number from 100 to 10000.")]
    public int MaxCandidates { get; init; } = 1000;
}
