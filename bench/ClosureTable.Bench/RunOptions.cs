namespace ClosureTable.Bench;

/// <summary>What the command line asked for.</summary>
/// <param name="Only">Names of scenarios, or their beginnings; empty for all.</param>
/// <param name="Seconds">Of each run.</param>
/// <param name="WarmUpSeconds">Before the runs of a side: the runtime compiles hot code again for some seconds.</param>
/// <param name="Repeats">Of each run; the sides take turns.</param>
/// <param name="StoreSize">Comments in the large store.</param>
/// <param name="Data">The directory of PostgreSQL's data, kept for the next time; null for a temporary one.</param>
/// <param name="Published">The directory of the published service; null for a temporary one.</param>
/// <param name="Output">The file for the report besides the standard output.</param>
internal sealed record RunOptions(IReadOnlyList<string> Only, int Seconds, int WarmUpSeconds, int Repeats, int Connections, int StoreSize, string? Data, string? Published, string? Output)
{
    public bool Wants(string scenario) => Only.Count == 0 || Only.Any(name => scenario.StartsWith(name, StringComparison.OrdinalIgnoreCase));
}
