using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// An answer that was rendered to UTF-8 JSON already: its length is known, so that it goes out in one piece. A very large one
/// is rendered while it goes out. <typeparamref name="T"/> is the record that describes the body in the API document.
/// </summary>
internal sealed class RenderedJson<T>(ReadOnlyMemory<byte> body) : IResult, IEndpointMetadataProvider
{
    private readonly IDisposable? memory;
    private readonly Func<Utf8JsonWriter, long, bool>? writeSome;

    /// <summary>Gives the memory back once it is sent.</summary>
    public RenderedJson(JsonBuffer buffer) : this(buffer.Written) => memory = buffer;

    /// <summary>Rendered while it is sent. What fails on the way cuts the connection; so everything that can fail comes before.</summary>
    /// <param name="writeSome">Writes on until the writer wrote about so many bytes in all; tells whether there is more.</param>
    /// <param name="source">What it is made from, to be given back.</param>
    public RenderedJson(Func<Utf8JsonWriter, long, bool> writeSome, IDisposable source) : this(ReadOnlyMemory<byte>.Empty) =>
        (this.writeSome, memory) = (writeSome, source);

    /// <summary>The strong validator; null where the answer has none.</summary>
    public string? ETag { get; init; }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        using var rented = memory;
        if (ETag is not null)
        {
            if (Etags.IsRead(httpContext.Request) && Etags.NoneMatch(httpContext.Request, ETag))
            {
                await new NotModified(ETag).ExecuteAsync(httpContext);
                return;
            }

            Etags.Tag(httpContext, ETag);
        }

        await (writeSome is null
            ? RenderedJson.Write(httpContext.Response, StatusCodes.Status200OK, body)
            : RenderedJson.WriteInParts(httpContext.Response, writeSome));
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), ["application/json"]));
}

/// <summary>201 with what was made, rendered already.</summary>
/// <param name="location">The path of what was made.</param>
internal sealed class RenderedCreated<T>(ReadOnlyMemory<byte> body, string location) : IResult, IEndpointMetadataProvider
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.Headers.Location = location;
        return RenderedJson.Write(httpContext.Response, StatusCodes.Status201Created, body);
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status201Created, typeof(T), ["application/json"]));
}

/// <summary>304: the client has this answer already. It carries what the whole answer would (RFC 9110, 15.4.5).</summary>
internal sealed class NotModified(string etag) : IResult, IEndpointMetadataProvider
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        Etags.Tag(httpContext, etag);
        httpContext.Response.StatusCode = StatusCodes.Status304NotModified;
        return Task.CompletedTask;
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status304NotModified, typeof(void)));
}

internal static class RenderedJson
{
    private const string ContentType = "application/json; charset=utf-8";

    private const int PartLength = 64 * 1024;

    public static async Task Write(HttpResponse response, int status, ReadOnlyMemory<byte> body)
    {
        response.StatusCode = status;
        response.ContentType = ContentType;
        response.ContentLength = body.Length;
        // Each write flushes: what Kestrel buffers of a large answer stays small, and nothing of its end stays behind.
        for (; body.Length > PartLength; body = body[PartLength..])
            await response.BodyWriter.WriteAsync(body[..PartLength], response.HttpContext.RequestAborted);
        await response.BodyWriter.WriteAsync(body, response.HttpContext.RequestAborted);
    }

    /// <summary>The first byte does not wait for the last, and a slow reader holds what the answer is made from, not the answer.</summary>
    public static async Task WriteInParts(HttpResponse response, Func<Utf8JsonWriter, long, bool> writeSome)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = ContentType;
        await using var json = new Utf8JsonWriter(response.BodyWriter, JsonBuffer.Options);
        for (var more = true; more;)
        {
            more = writeSome(json, json.BytesCommitted + PartLength);
            json.Flush();
            if ((await response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted)).IsCompleted)
                return;
        }
    }
}

/// <summary>Entity tags of requests (RFC 9110, 13.1).</summary>
internal static class Etags
{
    /// <summary>Sends the tag and, with what is read, that it is for this caller and to be asked for each time.</summary>
    public static void Tag(HttpContext context, string tag)
    {
        context.Response.Headers.ETag = tag;
        if (IsRead(context.Request))
            context.Response.Headers.CacheControl = "private, no-cache";
    }

    public static bool IsRead(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    /// <summary>Whether <c>If-None-Match</c> names the tag: the client has this answer already.</summary>
    public static bool NoneMatch(HttpRequest request, string tag)
    {
        if (request.Headers.IfNoneMatch.Count == 0)
            return false;
        return EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var tags)
            && tags.Any(given => given == EntityTagHeaderValue.Any || given.Tag.Equals(tag, StringComparison.Ordinal));
    }
}
