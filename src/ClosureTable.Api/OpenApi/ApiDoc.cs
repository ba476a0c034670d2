using System.Security.Cryptography;
using System.Text.Json;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.Swagger;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ClosureTable.Api.OpenApi;

/// <summary>
/// The API document (OpenAPI 3.1) and the page that shows it and sends requests. It is read off the endpoints: their
/// XML comments, their validation attributes, the problems that they name. Tests hold live answers against it.
/// </summary>
internal static class ApiDoc
{
    public const string Path = "/api/doc";

    public const string DocumentPath = Path + "/v1/openapi.json";

    /// <summary>The two headers that carry a token; the names under which the document knows them.</summary>
    public const string Bearer = "bearer";
    public const string TokenHeader = "token_header";

    private const string Title = "ClosureTable";

    /// <summary>The style element inside Swagger UI's logo: all that the page has inline.</summary>
    private const string LogoStyle = "'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='";

    private const string Conventions = """
        Threads of comments, kept in PostgreSQL as a closure table.

        **Data.** JSON in UTF-8, `snake_case` names, times in RFC 3339 with `Z`, ids as 64-bit integers. Duplicate members are rejected.

        **Authentication.** `POST /auth/register`, then `POST /auth/login`; send the `token` as `Authorization: Bearer …` or as
        `X-Auth-Token: …`. Reading needs no token, but an invalid one is rejected.

        **Errors** are problems (RFC 9457) in `application/problem+json`. `code` is stable and meant for programs;
        [/problems](/problems) explains each. Besides what an operation lists: an unknown path is 404 `not_found`,
        an unsupported method 405 `method_not_allowed` with `Allow`.

        **Pagination.** Lists return `next_cursor`; send it as `cursor` until it is null. Each comment is then returned exactly once, even during
        concurrent writes, except with `sort=active`: a thread that gets a comment before its turn moves to the front and is left out.
        A cursor belongs to one list and one sort order.

        **Caching and concurrency.** Reads of a thread have an `ETag`: send it as `If-None-Match` to get 304 if nothing has changed, as
        `If-Match` to write only if nothing has changed.

        **Read your writes.** With read replicas, responses to writes have `ClosureTable-Seen`: send the last one with each read to see your writes.

        **Rate limits.** `RateLimit-Policy` and `RateLimit` tell how many requests remain; when none do, the response is 429 with `Retry-After`.
        """;

    public static void AddApiDoc(this IHostApplicationBuilder builder)
    {
        builder.Services.AddEndpointsApiExplorer();
        builder.Services.AddSwaggerGen(options =>
        {
            options.SwaggerDoc("v1", new OpenApiInfo { Title = Title, Version = "1", Description = Conventions });
            options.IncludeXmlComments(typeof(ApiDoc).Assembly);
            options.CustomOperationIds(OperationId);
            // HEAD goes without saying wherever there is GET.
            options.DocInclusionPredicate((_, operation) => operation.HttpMethod != HttpMethods.Head);
            options.MapType<IfMatch>(() => new OpenApiSchema { Type = JsonSchemaType.String });
            options.SupportNonNullableReferenceTypes();
            options.NonNullableReferenceTypesAsRequired();
            options.ParameterFilter<DocumentedParameters>();
            options.SchemaFilter<DocumentedSchemas>();
            options.OperationFilter<DocumentedResponses>();
            options.DocumentFilter<DocumentedHealth>();
            options.AddSecurityDefinition(Bearer, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "The `token` of `POST /auth/login`.",
            });
            options.AddSecurityDefinition(TokenHeader, new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = ServiceHeaders.Token,
                Description = "The same token; where both headers are sent, `Authorization` counts.",
            });
        });
    }

    public static void MapApiDoc(this IEndpointRouteBuilder app)
    {
        // Endpoints do not change while the service runs: the document is made when first asked for, and kept.
        var document = new Lazy<Task<byte[]>>(() => Render(app.ServiceProvider));
        app.MapGet(DocumentPath, async Task<FileContentHttpResult> () =>
            {
                var json = await document.Value;
                return TypedResults.Bytes(json, "application/json", entityTag: new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(json).AsSpan(0, 12))}\""));
            })
            .ExcludeFromDescription()
            .AllowAnonymous();
        app.MapSwaggerUI(Path, options =>
            {
                options.DocumentTitle = Title;
                options.SwaggerEndpoint("v1/openapi.json", Title);
                options.EnableDeepLinking();
                options.DisplayRequestDuration();
                options.EnablePersistAuthorization();
            })
            .AllowAnonymous()
            .WithMetadata(new ContentSecurityPolicyMetadata(SecurityHeaders.OwnFilesOnly.Replace("style-src 'self'", $"style-src 'self' {LogoStyle}", StringComparison.Ordinal)));
    }

    private static async Task<byte[]> Render(IServiceProvider services)
    {
        using var scope = services.CreateScope();
        var document = await scope.ServiceProvider.GetRequiredService<IAsyncSwaggerProvider>().GetSwaggerAsync("v1");
        using var json = new MemoryStream();
        await document.SerializeAsJsonAsync(json, OpenApiSpecVersion.OpenApi3_1);
        return json.ToArray();
    }

    /// <summary>The words of the path and what the handler is called: <c>comments_create</c>. Clients that are generated name their methods by it.</summary>
    private static string OperationId(ApiDescription operation)
    {
        if (!operation.TryGetMethodInfo(out var handler))
            throw new InvalidOperationException($"{operation.RelativePath} is not handled by a method that could name it.");
        var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(handler.Name);
        var words = operation.RelativePath!.Split('/').Where(word => word.Length > 0 && !word.StartsWith('{')).ToList();
        return string.Join('_', words[^1] == name ? words : words.Append(name));
    }
}
