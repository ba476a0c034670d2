using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Pages;

/// <summary>A file of the pages: an embedded resource, so that it is found independently of the working directory.</summary>
/// <param name="name">Its name in <c>Pages/Assets</c>.</param>
/// <param name="edit">Applied once to its text, before it is served.</param>
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

    /// <summary>The file; 304 if the client has it already.</summary>
    public FileContentHttpResult Result() => TypedResults.Bytes(file.Value.Content, contentType, entityTag: file.Value.Tag);

    private static string Read(string name)
    {
        using var resource = typeof(PageFile).Assembly.GetManifestResourceStream("pages/" + name)
            ?? throw new InvalidOperationException($"The assembly has no resource pages/{name}.");
        using var reader = new StreamReader(resource);
        return reader.ReadToEnd();
    }
}
