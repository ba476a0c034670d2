using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ClosureTable.Tests.Browser;

/// <summary>A page of another site that embeds a thread: another origin, with the strictest policy that it can have.</summary>
internal sealed class HostPage : IAsyncDisposable
{
    private readonly WebApplication app;

    private HostPage(WebApplication app) => this.app = app;

    public Uri Origin { get; private init; } = null!;

    /// <summary>The address of the service, once it is known.</summary>
    public Uri Service { get; set; } = null!;

    public static async Task<HostPage> Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        HostPage page = null!;
        app.MapGet("/", (HttpContext http, string topic, string? attributes) =>
        {
            var service = page.Service.GetLeftPart(UriPartial.Authority);
            http.Response.Headers.ContentSecurityPolicy =
                $"default-src 'none'; script-src {service}; connect-src {service}; require-trusted-types-for 'script'; trusted-types 'none'";
            return Results.Content($"""
                <!doctype html>
                <html lang="en">
                <title>A page of another site</title>
                <script src="{service}/embed.js" async></script>
                <p>What <closure-count topic="{topic}"></closure-count> people say:</p>
                <closure-comments topic="{topic}" {attributes}></closure-comments>
                </html>
                """, "text/html; charset=utf-8");
        });
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return page = new HostPage(app) { Origin = new Uri(address) };
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
