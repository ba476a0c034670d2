namespace ClosureTable.Bench;

/// <summary>The command-line options.</summary>
/// <param name="Only">Names of scenarios, or their prefixes; empty for all.</param>
/// <param name="Seconds">Per run.</param>
/// <param name="WarmUpSeconds">Before a contender's runs, for the runtime's tiered compilation.</param>
/// <param name="Repeats">Runs per contender; contenders alternate.</param>
/// <param name="StoreSize">Comments in the large database.</param>
/// <param name="Data">PostgreSQL's data directory, kept for later runs; null for a temporary one.</param>
/// <param name="Published">The directory of the published service; null for a temporary one.</param>
/// <param name="Output">The file for the report, in addition to standard output.</param>
internal sealed record RunOptions(IReadOnlyList<string> Only, int Seconds, int WarmUpSeconds, int Repeats, int Connections, int StoreSize, string? Data, string? Published, string? Output)
{
    public bool Wants(string scenario) => Only.Count == 0 || Only.Any(name => scenario.StartsWith(name, StringComparison.OrdinalIgnoreCase));
}
