using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Hosting;
using ClosureTable.Api.Likes;
using ClosureTable.Api.Live;
using ClosureTable.Api.Pages;
using ClosureTable.Api.Search;

return await CommandLine.Run(args, serve: async settings =>
{
    var builder = WebApplication.CreateBuilder(settings);

    builder.AddTelemetry();
    builder.AddRequestLog();
    builder.AddJson();
    builder.AddProblemAnswers();
    builder.AddDatabase();
    builder.AddTokenAuthentication();
    builder.AddRateLimits();
    builder.AddCrossOrigin();
    builder.AddApiDoc();

    builder.AddAccounts();
    builder.AddComments();
    builder.AddLikes();
    builder.AddLive();
    builder.AddSearch();

    await using var app = builder.Build();
    await app.OpenDatabase();

    app.UseMetrics();
    app.UseRequestLog();
    app.UseSecurityHeaders();
    app.UseKnownProxies();
    app.UseProblemAnswers();
    app.UseCors();
    app.UseAuthentication();
    app.UseRateLimits();
    app.UseBadTokenRefusal();
    app.UseAuthorization();

    app.MapAccounts();
    app.MapComments();
    app.MapLikes();
    app.MapLive();
    app.MapSearch();
    app.MapHealth();
    app.MapApiDoc();
    app.MapProblemPage();
    app.MapPages();
    app.MapExplorer();

    await app.RunAsync();
});
