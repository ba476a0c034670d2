using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ClosureTable.Api.OpenApi;

/// <summary>
/// Every answer that an operation can give: its problems with an example of each, also those that come from what all
/// operations have in common, and the headers that matter.
/// </summary>
internal sealed class DocumentedResponses : IOperationFilter
{
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        var anonymous = metadata.OfType<IAllowAnonymous>().Any();
        var required = metadata.OfType<IAuthorizeData>().Any();
        Secure(operation, context.Document, anonymous, required);

        var problems = metadata.OfType<ProblemsMetadata>().SelectMany(named => named.Problems).ToList();
        if (operation.RequestBody is not null)
            problems.AddRange([Problem.InvalidRequest, Problem.ValidationFailed, Problem.TooLarge, Problem.UnsupportedMediaType]);
        if (metadata.OfType<OptionalBodyMetadata>().SingleOrDefault() is { } body)
            operation.RequestBody = new OpenApiRequestBody { Content = Content("application/json", SchemaOf(body.Type, context)) };
        foreach (var parameter in operation.Parameters ?? [])
        {
            // In a path, what is no number never gets as far as the endpoint.
            if (CanBeInvalid(parameter.Schema))
                problems.Add(parameter is { In: ParameterLocation.Path, Schema.Type: JsonSchemaType.Integer } ? Problem.NotFound : Problem.ValidationFailed);
        }

        if (!anonymous)
            problems.Add(Problem.Unauthorized);
        if (!metadata.OfType<DisableRateLimitingAttribute>().Any())
            problems.Add(Problem.RateLimited);
        // Reads wait only for a change of the schema.
        problems.AddRange([Problem.Unavailable, Problem.Contended]);
        var reads = string.Equals(context.ApiDescription.HttpMethod, "GET", StringComparison.OrdinalIgnoreCase);
        if (!reads)
            problems.AddRange([Problem.ReadOnly, Problem.OutcomeUnknown]);

        var answers = new OpenApiResponses();
        foreach (var (status, answer) in (operation.Responses ?? []).Where(answer => answer.Key[0] < '4'))
            answers.Add(status, answer);
        foreach (var status in problems.DistinctBy(problem => problem.Code).GroupBy(problem => problem.Status).OrderBy(status => status.Key))
            answers[status.Key.ToString(CultureInfo.InvariantCulture)] = Answer([.. status], context);
        answers["default"] = Answer([Problem.Internal, Problem.TimedOut], context);
        operation.Responses = answers;

        AddHeaders(operation, metadata.OfType<ResponseHeaderMetadata>());
        if (!anonymous)
            AddSeen(operation, reads);
        foreach (var example in metadata.OfType<ResponseExampleMetadata>())
            ((OpenApiMediaType)answers["200"].Content![example.ContentType]).Example = example.Example;
    }

    private static void Secure(OpenApiOperation operation, OpenApiDocument document, bool anonymous, bool required)
    {
        if (anonymous)
            return;
        operation.Security =
        [
            new() { [new OpenApiSecuritySchemeReference(ApiDoc.Bearer, document)] = [] },
            new() { [new OpenApiSecuritySchemeReference(ApiDoc.TokenHeader, document)] = [] },
        ];
        // An empty one among the alternatives: it goes without, too.
        if (!required)
            operation.Security.Add([]);
    }

    private static bool CanBeInvalid(IOpenApiSchema? schema) => schema is not { Type: JsonSchemaType.String, MinLength: null, MaxLength: null, Enum: null };

    private static OpenApiResponse Answer(IReadOnlyList<Problem> problems, OperationFilterContext context)
    {
        var answer = new OpenApiResponse
        {
            Description = problems is [var only] ? only.Detail : string.Join("\n", problems.Select(problem => $"- `{problem.Code}`: {problem.Detail}")),
            Content = Content("application/problem+json", SchemaOf(typeof(ProblemBody), context),
                problems.ToDictionary(problem => problem.Code, problem => (IOpenApiExample)new OpenApiExample { Value = Example(problem) })),
        };
        if (problems[0].Status == 401)
            AddHeader(answer, "WWW-Authenticate", "`Bearer`; with a token that is not good, what is wrong with it.");
        if (problems[0].Status is 429 or 503)
            AddHeader(answer, "Retry-After", "Seconds to wait.", JsonSchemaType.Integer);
        return answer;
    }

    private static IOpenApiSchema SchemaOf(Type type, OperationFilterContext context) => context.SchemaGenerator.GenerateSchema(type, context.SchemaRepository);

    public static Dictionary<string, IOpenApiMediaType> Content(string type, IOpenApiSchema schema, IDictionary<string, IOpenApiExample>? examples = null) =>
        new() { [type] = new OpenApiMediaType { Schema = schema, Examples = examples } };

    private static JsonObject Example(Problem problem)
    {
        var body = new JsonObject
        {
            ["type"] = Problem.TypeOf(problem.Code),
            ["title"] = ReasonPhrases.GetReasonPhrase(problem.Status),
            ["status"] = problem.Status,
            ["detail"] = problem.Detail,
            ["code"] = problem.Code,
            ["error"] = problem.Detail,
            ["trace_id"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        };
        if (problem == Problem.ValidationFailed)
            body["errors"] = new JsonObject { ["content"] = new JsonArray("Must be 1 to 10,000 characters long.") };
        return body;
    }

    /// <summary>What the answers that are no problems carry: where the new thing is, what names the state of the thread.</summary>
    private static void AddHeaders(OpenApiOperation operation, IEnumerable<ResponseHeaderMetadata> named)
    {
        foreach (var header in named)
            AddHeader(Of(operation, $"{header.Status}"), header.Name, header.Description, required: header.Always);
        if (!operation.Responses!.ContainsKey("304"))
            return;
        AddHeader(Of(operation, "200"), "ETag", "Names this state of the answer; strong.");
        AddHeader(Of(operation, "304"), "ETag", "The one that the client has.");
        AddParameter(operation, "If-None-Match", "The `ETag` of the answer that the client has: 304 if it is still right.");
    }

    /// <summary>What lets a client see its own writes where reads go to a standby.</summary>
    private static void AddSeen(OpenApiOperation operation, bool reads)
    {
        if (reads)
        {
            AddParameter(operation, ServiceHeaders.Seen, "The last one that an answer to a write carried: the answer to this read shows that write.");
            return;
        }

        foreach (var status in operation.Responses!.Keys.Where(status => status[0] == '2'))
            AddHeader(Of(operation, status), ServiceHeaders.Seen,
                "Where there are read replicas: opaque; send it with later reads, and they show this write.", required: false);
    }

    private static OpenApiResponse Of(OpenApiOperation operation, string status) => (OpenApiResponse)operation.Responses![status];

    private static void AddHeader(
        OpenApiResponse answer, string name, string description, JsonSchemaType type = JsonSchemaType.String, bool required = true) =>
        (answer.Headers ??= new Dictionary<string, IOpenApiHeader>()).Add(
            name, new OpenApiHeader { Description = description, Required = required, Schema = new OpenApiSchema { Type = type } });

    private static void AddParameter(OpenApiOperation operation, string name, string description) => (operation.Parameters ??= []).Add(new OpenApiParameter
    {
        Name = name,
        In = ParameterLocation.Header,
        Description = description,
        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
    });
}

/// <summary>A failure (RFC 9457).</summary>
public sealed record ProblemBody
{
    /// <summary>A page that explains it.</summary>
    public required string Type { get; init; }

    /// <summary>The status in words.</summary>
    public required string Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>One sentence for people.</summary>
    public required string Detail { get; init; }

    /// <summary>The stable name that programs compare with.</summary>
    public required string Code { get; init; }

    /// <summary>The same sentence as <c>detail</c>.</summary>
    public required string Error { get; init; }

    /// <summary>What the service's logs know this request by.</summary>
    public required string TraceId { get; init; }

    /// <summary>With <c>validation_failed</c> alone: what is wrong with each field or parameter.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }
}

/// <summary>The probes, which the framework maps without a description.</summary>
internal sealed class DocumentedHealth : IDocumentFilter
{
    public void Apply(OpenApiDocument document, DocumentFilterContext context)
    {
        document.Paths.Add("/health/live", Probe("live", "Does the process run?", "Asks nothing of the database."));
        document.Paths.Add("/health/ready", Probe(
            "ready", "Can the service serve?", "Yes when the database answers and its schema is the one that this build needs.", ("503", Text("Unhealthy", "No."))));
        // The framework's own shape of a failed validation: what is sent is a problem like every other.
        document.Components?.Schemas?.Remove(nameof(HttpValidationProblemDetails));
    }

    private static OpenApiPathItem Probe(string name, string summary, string description, params (string Status, OpenApiResponse Answer)[] failures)
    {
        var operation = new OpenApiOperation
        {
            OperationId = $"health_{name}",
            Summary = summary,
            Description = description,
            Tags = new HashSet<OpenApiTagReference> { new("Health") },
            Responses = new() { ["200"] = Text("Healthy", "Yes.") },
        };
        foreach (var (status, answer) in failures)
            operation.Responses.Add(status, answer);
        return new OpenApiPathItem { Operations = new() { [HttpMethod.Get] = operation } };
    }

    private static OpenApiResponse Text(string body, string description) => new()
    {
        Description = description,
        Content = DocumentedResponses.Content("text/plain", new OpenApiSchema { Type = JsonSchemaType.String, Const = body }),
    };
}
