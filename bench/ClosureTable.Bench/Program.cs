using System.CommandLine;
using System.Runtime.Versioning;
using ClosureTable.Bench;

// CPU and memory are read from /proc.
[assembly: SupportedOSPlatform("linux")]

var only = new Option<string[]>("--only") { Description = "Run only the scenarios whose names start with one of these.", AllowMultipleArgumentsPerToken = true };
var quick = new Option<bool>("--quick") { Description = "Short runs on little data, as a smoke test; the figures mean nothing." };
var seconds = new Option<int?>("--seconds") { Description = "Seconds per run; 5, or 2 with --quick." };
var repeats = new Option<int?>("--repeat") { Description = "Runs per contender; 5, or 1 with --quick." };
var connections = new Option<int>("--connections") { Description = "Connections of the load generator.", DefaultValueFactory = _ => 16 };
var store = new Option<int?>("--store") { Description = "Comments in the large database; 1,000,000, or 50,000 with --quick." };
var data = new Option<string?>("--data") { Description = "Keep PostgreSQL's data in this directory for later runs; by default they are temporary." };
var published = new Option<string?>("--published") { Description = "Publish to this directory, or use what was published there before." };
var output = new Option<string?>("--output") { Description = "Also write the report to this file." };

var root = new RootCommand("Measures the service against the database that it stands on, and against itself without its cache. Everything stays on this machine.")
{
    only, quick, seconds, repeats, connections, store, data, published, output,
};
root.SetAction(async (result, ct) =>
{
    var isQuick = result.GetValue(quick);
    await Bench.Run(new RunOptions(
        result.GetValue(only) ?? [],
        result.GetValue(seconds) ?? (isQuick ? 2 : 5),
        isQuick ? 2 : 8,
        result.GetValue(repeats) ?? (isQuick ? 1 : 5),
        result.GetValue(connections),
        result.GetValue(store) ?? (isQuick ? 50_000 : 1_000_000),
        result.GetValue(data),
        result.GetValue(published),
        result.GetValue(output)), ct);
    return 0;
});
return await root.Parse(args).InvokeAsync();
