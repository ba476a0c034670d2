using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ClosureTable.Api.Http;

internal static class Json
{
    /// <summary>
    /// Room for the longest comment in the longest spelling: 10,000 characters and a topic of 512, each as a pair of
    /// <c>\ud83d\ude00</c>. A larger body is refused unread.
    /// </summary>
    public const int MaxBodyBytes = 128 * 1024;

    public static void AddJson(this IHostApplicationBuilder builder)
    {
        builder.Services.Configure<KestrelServerOptions>(server => server.Limits.MaxRequestBodySize = MaxBodyBytes);
        builder.Services.ConfigureHttpJsonOptions(options =>
        {
            options.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            options.SerializerOptions.DictionaryKeyPolicy = null;
            // Every answer is application/json, never a script or a page, so only what JSON itself requires is escaped.
            options.SerializerOptions.Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
            // Two values for one name: which one was meant? Ask.
            options.SerializerOptions.AllowDuplicateProperties = false;
            options.SerializerOptions.NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.Strict;
        });
    }
}
