using System.CommandLine;
using System.Diagnostics;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;

namespace ClosureTable.Api.Commands;

internal static class SeedCommand
{
    public static Command Create()
    {
        var threads = new Option<int>("--threads") { Description = "The number of threads.", DefaultValueFactory = _ => 100 };
        var comments = new Option<int>("--comments") { Description = "The total number of comments.", DefaultValueFactory = _ => 10_000 };
        var shape = new Option<ThreadShape>("--shape") { Description = "The shape of the trees.", DefaultValueFactory = _ => ThreadShape.Reddit };
        var topic = new Option<string?>("--topic") { Description = "The topic of all threads; by default, several topics." };
        var seed = new Option<int>("--seed") { Description = "The seed of the random generator.", DefaultValueFactory = _ => 1 };
        threads.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() < 1)
                result.AddError("--threads must be at least 1.");
        });
        topic.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !new TopicAttribute().IsValid(text))
                result.AddError("--topic must be 1 to 512 characters long.");
        });
        var command = new Command("seed", "Add generated threads, comments, likes and users, also while the service is running.")
        {
            threads, comments, shape, topic, seed,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(comments) < result.GetValue(threads))
                result.AddError("--comments must be at least --threads: each thread has at least one comment.");
        });
        return command.OnDatabase(async (command, ct) =>
        {
            command.Migrations.Apply();
            var line = command.Line;
            var load = new Load(line.GetValue(threads), line.GetValue(comments), line.GetValue(shape), line.GetValue(topic), line.GetValue(seed));
            var begun = Stopwatch.GetTimestamp();
            var roots = await new BulkLoad(command.Primary, command.MaxDepth).Run(
                load, loaded => command.Output.WriteLine($"… {loaded:N0} of {load.Comments:N0} comments"), ct);
            command.Output.WriteLine(
                $"{load.Comments:N0} comments in {load.Threads:N0} threads in {Stopwatch.GetElapsedTime(begun).TotalSeconds:N1} s; the first is {roots[0]}.");
            return 0;
        });
    }
}
