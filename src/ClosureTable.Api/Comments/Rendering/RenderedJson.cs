using System.Reflection;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// A response that is already UTF-8 JSON, or a very large one that is rendered while it is sent. <typeparamref name="T"/> describes the
/// body in the API document.
/// </summary>
internal sealed class RenderedJson<T>(ReadOnlyMemory<byte> body) : IResult, IEndpointMetadataProvider
{
    private readonly IDisposable? memory;
    private readonly Func<Utf8JsonWriter, long, bool>? writeSome;

    public RenderedJson(JsonBuffer buffer) : this(buffer.Written) => memory = buffer;

    /// <summary>Rendered while it is sent. An error would abort the connection, so everything that can fail must happen before.</summary>
    /// <param name="writeSome">Continues until the given total number of bytes; returns whether there is more.</param>
    public RenderedJson(Func<Utf8JsonWriter, long, bool> writeSome, IDisposable source) : this(ReadOnlyMemory<byte>.Empty) =>
        (this.writeSome, memory) = (writeSome, source);

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

/// <summary>304, with the headers of the full response (RFC 9110, 15.4.5).</summary>
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
        // Flushes each write, to limit what Kestrel buffers of a large response.
        for (; body.Length > PartLength; body = body[PartLength..])
            await response.BodyWriter.WriteAsync(body[..PartLength], response.HttpContext.RequestAborted);
        await response.BodyWriter.WriteAsync(body, response.HttpContext.RequestAborted);
    }

    /// <summary>Starts to send before everything is rendered; for a slow client, only the rows stay in memory.</summary>
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
    /// <summary>Sets the ETag, and for reads the headers that make caches private and revalidate.</summary>
    public static void Tag(HttpContext context, string tag)
    {
        context.Response.Headers.ETag = tag;
        if (IsRead(context.Request))
            context.Response.Headers.CacheControl = "private, no-cache";
    }

    public static bool IsRead(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    public static bool NoneMatch(HttpRequest request, string tag)
    {
        if (request.Headers.IfNoneMatch.Count == 0)
            return false;
        return EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var tags)
            && tags.Any(given => given == EntityTagHeaderValue.Any || given.Tag.Equals(tag, StringComparison.Ordinal));
    }
}
