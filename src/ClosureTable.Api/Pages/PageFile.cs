using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Pages;

/// <summary>A file of the pages. It is an embedded resource and so does not depend on the working directory.</summary>
/// <param name="name">Its name in <c>Pages/Assets</c>.</param>
/// <param name="edit">Changes its text once before it is served.</param>
internal sealed class PageFile(string name, Func<string, string>? edit = null)
{
    private readonly Lazy<(byte[] Content, EntityTagHeaderValue Tag)> file = new(() =>
    {
        var content = System.Text.Encoding.UTF8.GetBytes(edit is null ? Read(name) : edit(Read(name)));
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

    /// <summary>The file, or 304.</summary>
    public FileContentHttpResult Result() => TypedResults.Bytes(file.Value.Content, contentType, entityTag: file.Value.Tag);

    private static string Read(string name)
    {
        using var reader = new StreamReader(typeof(PageFile).Assembly.GetManifestResourceStream("pages/" + name)!);
        return reader.ReadToEnd();
    }
}
