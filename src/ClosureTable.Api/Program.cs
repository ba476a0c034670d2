using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Feeds;
using ClosureTable.Api.Http;
using ClosureTable.Api.Likes;
using ClosureTable.Api.Live;
using ClosureTable.Api.OpenApi;
using ClosureTable.Api.Operations;
using ClosureTable.Api.Pages;
using ClosureTable.Api.Search;









return await CommandLine.Run(args, serve: async settings =>
{
    var builder = WebApplication.CreateBuilder(Defaults.Options(settings));

    builder.AddDefaultAddress();
    builder.AddTelemetry();
    builder.AddRequestLog();
    builder.AddJson();
    builder.AddProblemResponses();
    builder.AddDatabase();
    builder.AddGracefulStop();
    builder.AddTokenAuthentication();
    builder.AddRateLimits();
    builder.AddCrossOrigin();
    builder.AddApiDoc();

    builder.AddAccounts();
    builder.AddComments();
    builder.AddLikes();
    builder.AddLive();
    builder.AddSearch();
    builder.AddFeeds();

    await using var app = builder.Build();
    await app.OpenDatabase();

    app.UseMetrics();
    app.UseRequestLog();
    app.UseSecurityHeaders();
    app.UseKnownProxies();
    app.UseProblemResponses();
    app.UseCors();
    app.UseReadYourWrites();
    app.UseAuthentication();
    app.UseRateLimits();
    app.UseBadTokenRefusal();
    app.UseAuthorization();

    var endpoints = app.MapGetWithHead();
    endpoints.MapAccounts();
    endpoints.MapComments();
    endpoints.MapLikes();
    endpoints.MapLive();
    endpoints.MapSearch();
    endpoints.MapFeeds();
    endpoints.MapHealth();
    endpoints.MapApiDoc();
    endpoints.MapProblemPage();
    endpoints.MapPages();
    endpoints.MapExplorer();

    await app.RunAsync();
});
