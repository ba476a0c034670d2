using System.Buffers;
using System.Reflection;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Hosting;

/// <summary>
/// An answer that was rendered to UTF-8 JSON already: its length is known, so that it goes out in one piece.
/// <typeparamref name="T"/> is the record that describes the body in the API document.
/// </summary>
internal sealed class RenderedJson<T>(ReadOnlyMemory<byte> body) : IResult, IEndpointMetadataProvider, IStatusCodeHttpResult
{
    public ReadOnlyMemory<byte> Body => body;

    public int? StatusCode { get; init; } = StatusCodes.Status200OK;

    /// <summary>The strong validator; null where the answer has none.</summary>
    public string? ETag { get; init; }

    public string? Location { get; init; }

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.Headers.ETag = ETag;
        if (ETag is not null && HttpMethods.IsGet(httpContext.Request.Method))
        {
            // The answer depends on who asks; caches on the way must ask again each time.
            response.Headers.CacheControl = "private, no-cache";
            if (Etags.NoneMatch(httpContext.Request, ETag))
            {
                response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }
        }

        response.StatusCode = StatusCode ?? StatusCodes.Status200OK;
        response.Headers.Location = Location;
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        await response.BodyWriter.WriteAsync(body, httpContext.RequestAborted);
    }

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), ["application/json"]));
}

internal static class RenderedJson
{
    private static readonly JsonWriterOptions Options = new()
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
}

/// <summary>Entity tags of requests (RFC 9110, 13.1).</summary>
internal static class Etags
{
    /// <summary>Whether <c>If-None-Match</c> names the tag: the client has this answer already.</summary>
    public static bool NoneMatch(HttpRequest request, string tag)
    {
        if (request.Headers.IfNoneMatch.Count == 0)
            return false;
        return EntityTagHeaderValue.TryParseList(request.Headers.IfNoneMatch, out var tags)
            && tags.Any(given => given == EntityTagHeaderValue.Any || given.Tag.Equals(tag, StringComparison.Ordinal));
    }
}
