using System.CommandLine;
using System.Runtime.Versioning;
using ClosureTable.Bench;

// What a process uses is read from /proc.
[assembly: SupportedOSPlatform("linux")]

var only = new Option<string[]>("--only") { Description = "Run only the scenarios whose names begin so.", AllowMultipleArgumentsPerToken = true };
var quick = new Option<bool>("--quick") { Description = "Short runs on a small store: to see that everything works, not to quote." };
var seconds = new Option<int?>("--seconds") { Description = "Seconds of each run; 5, quick 2." };
var repeats = new Option<int?>("--repeat") { Description = "Runs of each side; 5, quick 1." };
var connections = new Option<int>("--connections") { Description = "Connections of the load.", DefaultValueFactory = _ => 16 };
var store = new Option<int?>("--store") { Description = "Comments in the large store; 1,000,000, quick 50,000." };
var data = new Option<string?>("--data") { Description = "Keep PostgreSQL's data in this directory, filled for the next time; by default it is temporary." };
var published = new Option<string?>("--published") { Description = "Publish into this directory, or take what was published there before." };
var output = new Option<string?>("--output") { Description = "Write the report to this file too." };

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
