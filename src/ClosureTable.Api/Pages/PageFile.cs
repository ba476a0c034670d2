using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;
using NUglify;

namespace ClosureTable.Api.Pages;

/// <summary>
/// A file of the pages. It is a resource of the assembly, so that it is there under <c>dotnet run</c>, in a publish
/// directory and in the image alike, whatever the working directory is.
/// </summary>
internal sealed class PageFile(string name)
{
    private readonly Lazy<(byte[] Content, EntityTagHeaderValue Tag)> file = new(() =>
    {
        var content = Read(name);
        return (content, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(content)[..12])}\""));
    });

    private readonly string contentType = Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new ArgumentException($"No content type is known for {other}.", nameof(name)),
    };

    /// <summary>The file; 304 where the client has it already.</summary>
    public FileContentHttpResult Result() => TypedResults.Bytes(file.Value.Content, contentType, entityTag: file.Value.Tag);

    private static byte[] Read(string name)
    {
        using var resource = typeof(PageFile).Assembly.GetManifestResourceStream("pages/" + name)
            ?? throw new InvalidOperationException($"The assembly has no resource pages/{name}.");
        using var reader = new StreamReader(resource);
        var text = reader.ReadToEnd();
        return System.Text.Encoding.UTF8.GetBytes(name == "embed.js" ? Minified(text) : text);
    }

    /// <summary>Other people's pages carry this script, so they get it without its comments and long names.</summary>
    private static string Minified(string script)
    {
        var minified = Uglify.Js(script);
        return minified.HasErrors
            ? throw new InvalidOperationException("embed.js cannot be minified: " + string.Join("; ", minified.Errors))
            : "// <closure-comments>: see docs/embed.md\n" + minified.Code;
    }
}
