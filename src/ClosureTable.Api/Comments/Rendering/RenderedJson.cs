using System.Buffers;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// An answer that was rendered to UTF-8 JSON already: its length is known, so that it goes out in one piece. A very large one
/// may be rendered in parts while it goes out. <typeparamref name="T"/> is the record that describes the body in the API document.
/// </summary>
internal sealed class RenderedJson<T>(ReadOnlySequence<byte> body) : IResult, IEndpointMetadataProvider
{
    private readonly IDisposable? memory;
    private readonly JsonInParts? parts;

    public RenderedJson(ReadOnlyMemory<byte> body) : this(new ReadOnlySequence<byte>(body))
    {
    }

    /// <summary>Gives the memory back once it is sent.</summary>
    public RenderedJson(RentedJson rented) : this(rented.Bytes) => memory = rented;

    /// <summary>Gives the memory back once it is sent.</summary>
    public RenderedJson(JsonInParts parts) : this(ReadOnlySequence<byte>.Empty) => memory = this.parts = parts;

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

        if (parts is null)
            await RenderedJson.Write(httpContext.Response, StatusCodes.Status200OK, body);
        else
            await parts.Write(httpContext.Response);
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
        return RenderedJson.Write(httpContext.Response, StatusCodes.Status201Created, new ReadOnlySequence<byte>(body));
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
    public const string ContentType = "application/json; charset=utf-8";

    public static readonly JsonWriterOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        // Two levels a level of comments; the depth limit of a thread is a setting.
        MaxDepth = int.MaxValue,
        SkipValidation = true,
    };

    /// <summary>Renders into one array.</summary>
    public static ReadOnlyMemory<byte> Render(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer, Options);
        write(json);
        json.Flush();
        return buffer.WrittenMemory;
    }

    public static async Task Write(HttpResponse response, int status, ReadOnlySequence<byte> body)
    {
        response.StatusCode = status;
        response.ContentType = ContentType;
        response.ContentLength = body.Length;
        // Each write flushes: what Kestrel buffers of a large answer stays small, and nothing of its end stays behind.
        foreach (var part in body)
            await response.BodyWriter.WriteAsync(part, response.HttpContext.RequestAborted);
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
