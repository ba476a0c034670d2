using System.Text.RegularExpressions;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Cors;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using NUglify;

namespace ClosureTable.Api.Pages;

/// <summary>The demo page, and the script that embeds a thread in other pages.</summary>
internal static class PageEndpoints
{
    public static void MapPages(this IEndpointRouteBuilder app)
    {
        var pages = app.MapGroup("").ExcludeFromDescription().AllowAnonymous();
        pages.MapPage("/", "index.html", ExplorerEndpoints.IsEnabled(app) ? null : WithoutExplorer);
        foreach (var name in new[] { "pages.css", "demo.js", "icon.svg" })
            pages.MapPage("/" + name, name);

        pages.MapEmbedded("/embed.js", new("embed.js", Minified));
        pages.MapEmbedded("/embed.ru.js", new("embed.ru.js"));
    }

    /// <summary>A file for the pages of this service.</summary>
    public static void MapPage(this IEndpointRouteBuilder app, string path, string name, Func<string, string>? edit = null)
    {
        var file = new PageFile(name, edit);
        app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], FileContentHttpResult (HttpContext http) =>
        {
            var headers = http.Response.Headers;
            headers.ContentSecurityPolicy = SecurityHeaders.OwnFilesOnly;
            headers[HeaderNames.CacheControl] = "no-cache";
            headers["Referrer-Policy"] = "same-origin";
            return file.Result();
        }).ExcludeFromDescription();
    }

    /// <summary>
    /// A script for pages of any origin, so that <c>integrity</c> and <c>import</c> work everywhere. CORS still applies to the API that
    /// it calls.
    /// </summary>
    private static void MapEmbedded(this IEndpointRouteBuilder app, string path, PageFile file) =>
        app.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], FileContentHttpResult (HttpContext http) =>
        {
            var headers = http.Response.Headers;
            headers.AccessControlAllowOrigin = "*";
            headers["Cross-Origin-Resource-Policy"] = "cross-origin";
            headers[HeaderNames.CacheControl] = "public, max-age=300";
            return file.Result();
        }).WithMetadata(new DisableCorsAttribute()).ExcludeFromDescription();

    private static string Minified(string script)
    {
        // The style sheet is a string literal, which NUglify does not minify.
        var minified = Uglify.Js(Regex.Replace(script, @"(?<=replaceSync\(`)[^`]+", sheet => Regex.Replace(sheet.Value, @"\s*([{};])\s*|(?<=[:,])\s+", "$1")));
        return minified.HasErrors
            ? throw new InvalidOperationException("embed.js cannot be minified: " + string.Join("; ", minified.Errors))
            : "// <closure-comments>: see docs/embed.md\n" + minified.Code;
    }

    /// <summary>Removes the link to the explorer.</summary>
    private static string WithoutExplorer(string page) =>
        string.Join('\n', page.Split('\n').Where(line => !line.Contains("href=\"explorer\"", StringComparison.Ordinal)));
}
