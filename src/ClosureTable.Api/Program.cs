using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Hosting;

return await CommandLine.Run(args, serve: async settings =>
{
    var builder = WebApplication.CreateBuilder(settings);

    builder.AddJson();
    builder.AddProblemAnswers();
    builder.AddDatabase();
    builder.AddTokenAuthentication();
    builder.AddRateLimits();

    builder.AddAccounts();

    await using var app = builder.Build();
    await app.OpenDatabase();

    app.UseKnownProxies();
    app.UseProblemAnswers();
    app.UseAuthentication();
    app.UseRateLimits();
    app.UseBadTokenRefusal();
    app.UseAuthorization();

    app.MapAccounts();
    app.MapHealth();

    await app.RunAsync();
});
