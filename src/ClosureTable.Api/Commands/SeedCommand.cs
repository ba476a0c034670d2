using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>Fills the database with generated threads.</summary>
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
                result.AddError("--comments must be at least --threads: a thread begins with a comment.");
        });
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            services.GetRequiredService<Migrations>().Apply();
            var depth = services.GetRequiredService<IConfiguration>().GetSection("Comments").Get<CommentOptions>() ?? new();
            var load = new Load(
                result.GetValue(threads), result.GetValue(comments), result.GetValue(shape), result.GetValue(topic), result.GetValue(seed));
            var begun = Stopwatch.GetTimestamp();
            var roots = await new BulkLoad(services.GetRequiredService<NpgsqlDataSource>(), depth.MaxDepth).Run(load, Told, ct);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{load.Comments:N0} comments in {load.Threads:N0} threads in {Stopwatch.GetElapsedTime(begun).TotalSeconds:N1} s; the first is {roots[0]}."));
            return 0;

            void Told(int loaded) =>
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"… {loaded:N0} of {load.Comments:N0} comments"));
        }, ct));
        return command;
    }
}
