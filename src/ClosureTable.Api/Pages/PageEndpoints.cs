using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Pages;

/// <summary>The demo page, and the thread for other people's pages.</summary>
internal static class PageEndpoints
{
    /// <summary>Nothing but the page's own files: no inline script or style, no other origin.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    public static void MapPages(this IEndpointRouteBuilder app)
    {
        var pages = app.MapGroup("").ExcludeFromDescription().AllowAnonymous();
        pages.MapPage("/", "index.html");
        foreach (var name in new[] { "pages.css", "demo.js", "icon.svg" })
            pages.MapPage("/" + name, name);

        pages.MapEmbedded("/embed.js", "embed.js");
        pages.MapEmbedded("/embed.ru.js", "embed.ru.js");
    }

    /// <summary>A file that only the pages of this service use.</summary>
    public static void MapPage(this IEndpointRouteBuilder app, string path, string name)
    {
        var file = new PageFile(name);
        app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], FileContentHttpResult (HttpContext http) =>
        {
            var headers = http.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers[HeaderNames.CacheControl] = "no-cache";
            headers["Referrer-Policy"] = "same-origin";
            return file.Result();
        });
    }

    /// <summary>A script for pages of any origin. It is public, so that <c>integrity</c> and <c>import</c> work everywhere; what it calls is not.</summary>
    private static void MapEmbedded(this IEndpointRouteBuilder app, string path, string name)
    {
        var file = new PageFile(name);
        app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], FileContentHttpResult (HttpContext http) =>
        {
            var headers = http.Response.Headers;
            headers.AccessControlAllowOrigin = "*";
            headers["Cross-Origin-Resource-Policy"] = "cross-origin";
            headers.XContentTypeOptions = "nosniff";
            headers[HeaderNames.CacheControl] = "public, max-age=300";
            return file.Result();
        });
    }
}
