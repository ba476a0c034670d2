using System.ComponentModel.DataAnnotations;

namespace ClosureTable.Api.Search;

/// <summary>The section <c>Search</c> of the configuration, or variables such as <c>Search__Configuration</c>.</summary>
internal sealed record SearchOptions
{
    /// <summary>
    /// PostgreSQL's text-search configuration: how a comment becomes words. <c>simple</c> folds case and finds words as they
    /// were written, in any language. <c>english</c> leaves out the likes of "the" and finds "closures" by "closure";
    /// <c>russian</c> does that for Russian and, for words in Latin letters, for English.
    /// All instances on one database need the same one; see <see cref="SearchColumn"/> for what a change costs.
    /// </summary>
    [Required(ErrorMessage = "Search__Configuration must name a text-search configuration of PostgreSQL, such as simple.")]
    public string Configuration { get; init; } = "simple";

    /// <summary>How many of the newest matches a search ranks. The time of a search goes with it, and hardly with the size of the store.</summary>
    [Range(100, 10_000, ErrorMessage = "Search__MaxCandidates must be a number from 100 to 10000.")]
    public int MaxCandidates { get; init; } = 1000;
}
