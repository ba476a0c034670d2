using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ClosureTable.Api.Http;

/// <summary>The section <c>Cors</c>: whose pages may call this service from a browser.</summary>
internal sealed record CrossOriginOptions
{
    public const string Section = "Cors";

    /// <summary>Origins as in <c>https://blog.example</c>, without a path; a single <c>*</c> allows every origin. Empty: only pages of this service.</summary>
    public string[] AllowedOrigins { get; init; } = [];
}

internal static class CrossOrigin
{
    public static void AddCrossOrigin(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<CrossOriginOptions>().BindConfiguration(CrossOriginOptions.Section)
            .Validate(settings => settings.AllowedOrigins is ["*"] || settings.AllowedOrigins.All(IsOrigin),
                "Cors__AllowedOrigins__0 and those after it must be origins, as in https://blog.example, without a path or a slash at the end; or a single *.")
            .ValidateOnStart();
        builder.Services.AddCors();
        builder.Services.AddOptions<CorsOptions>().Configure<IOptions<CrossOriginOptions>>((cors, settings) =>
            cors.AddDefaultPolicy(policy => policy
                .WithOrigins(settings.Value.AllowedOrigins)
                .WithMethods(HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete)
                .WithHeaders(HeaderNames.Authorization, ServiceHeaders.Token, HeaderNames.ContentType, HeaderNames.IfMatch, HeaderNames.IfNoneMatch, ServiceHeaders.IdempotencyKey, "Last-Event-ID", ServiceHeaders.Seen)
                .WithExposedHeaders(HeaderNames.ETag, HeaderNames.Location, HeaderNames.RetryAfter, ServiceHeaders.IdempotentReplayed, "RateLimit", "RateLimit-Policy", ServiceHeaders.Seen)
                // A token travels in a header that the page must set, never in a cookie: credentials stay off, and with them CSRF.
                .DisallowCredentials()
                .SetPreflightMaxAge(TimeSpan.FromHours(2))));
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https"
        && string.Equals(uri.GetLeftPart(UriPartial.Authority), text, StringComparison.OrdinalIgnoreCase);
}
