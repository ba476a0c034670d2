namespace ClosureTable.Api.Http;

/// <summary>The policy of an endpoint that is a page; what is none gets <see cref="SecurityHeaders"/>' own.</summary>
internal sealed record ContentSecurityPolicyMetadata(string Policy);

/// <summary>What every answer says to browsers. A handler that sets one of these headers itself keeps its own.</summary>
internal static class SecurityHeaders
{
    /// <summary>For pages: nothing but their own files, no inline script or style, no other origin.</summary>
    public const string OwnFilesOnly =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Answers of the API are data: no user content in them can run or load anything.</summary>
    private const string NothingRuns = "default-src 'none'; frame-ancestors 'none'";

    public static void UseSecurityHeaders(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        // Now, because the static file middleware clears the endpoint; the headers only just before they go out, because an
        // exception clears those that were set before it.
        var policy = context.GetEndpoint()?.Metadata.GetMetadata<ContentSecurityPolicyMetadata>()?.Policy ?? NothingRuns;
        context.Response.OnStarting(() =>
        {
            var headers = context.Response.Headers;
            headers.TryAdd("X-Content-Type-Options", "nosniff");
            // Many answers depend on who asks, and not all sign in by the header that caches know about (RFC 9111, 3.5).
            headers.TryAdd("Cache-Control", "private, no-cache");
            headers.TryAdd("Referrer-Policy", "no-referrer");
            headers.TryAdd("Content-Security-Policy", policy);
            return Task.CompletedTask;
        });
        return next(context);
    });
}
