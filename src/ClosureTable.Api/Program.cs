using ClosureTable.Api.Commands;
using ClosureTable.Api.Hosting;

return await CommandLine.Run(args, serve: async settings =>
{
    var builder = WebApplication.CreateBuilder(settings);

    builder.AddJson();
    builder.AddProblemAnswers();
    builder.AddDatabase();

    await using var app = builder.Build();
    await app.OpenDatabase();

    app.UseProblemAnswers();

    app.MapHealth();

    await app.RunAsync();
});
