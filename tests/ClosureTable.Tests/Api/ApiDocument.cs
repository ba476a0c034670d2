using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Http;
using NJsonSchema;

namespace ClosureTable.Tests.Api;

/// <summary>The service's API document, and what it has to say about an answer.</summary>
internal sealed class ApiDocument
{
    private readonly ConcurrentDictionary<string, Task<JsonSchema>> schemas = [];
    private readonly JsonObject definitions;

    private ApiDocument(JsonObject json)
    {
        Json = json;
        definitions = Each(json["components"]!["schemas"]!);
        Operations =
        [
            .. from path in json["paths"]!.AsObject()
               from operation in path.Value!.AsObject()
               select new ApiOperation(operation.Key.ToUpperInvariant(), path.Key, operation.Value!.AsObject()),
        ];
    }

    public JsonObject Json { get; }

    public IReadOnlyList<ApiOperation> Operations { get; }

    public static async Task<ApiDocument> Load(HttpClient client) => new(
        JsonNode.Parse(await client.GetStringAsync("/api/doc/v1/openapi.json", TestContext.Current.CancellationToken))!.AsObject());

    /// <summary>The operation that answers a request; null where the document knows none.</summary>
    public ApiOperation? Find(HttpMethod method, string path) => Operations
        .Where(operation => operation.Method == method.Method && operation.Matches(path.TrimEnd('/')))
        // Of /users/me/likes and /users/{id}/likes, the one that says more.
        .MinBy(operation => operation.Path.Count(character => character == '{'));

    /// <summary>What an answer has that the document does not name, and what it lacks.</summary>
    public async Task<IReadOnlyList<string>> Violations(ApiOperation operation, HttpResponseMessage answer)
    {
        var violations = new List<string>();
        var status = ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture);
        // What can become of any operation: that it took too long. That it broke is named there, too, and never as it should be.
        if (operation.Answer(answer.StatusCode == HttpStatusCode.GatewayTimeout ? "default" : status) is not { } described)
            return [$"the document names no {status}"];

        foreach (var (name, header) in described["headers"]?.AsObject() ?? [])
        {
            var sent = answer.Headers.TryGetValues(name, out var values) || answer.Content.Headers.TryGetValues(name, out values) ? string.Join(", ", values) : null;
            if (sent is null && header!["required"]?.GetValue<bool>() == true)
                violations.Add($"the header {name} is missing");
            if (sent is not null && header!["schema"]!["type"]!.GetValue<string>() == "integer" && !int.TryParse(sent, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                violations.Add($"the header {name} is no number: {sent}");
        }

        var contents = described["content"]?.AsObject();
        var type = answer.Content.Headers.ContentType?.MediaType;
        // A stream of events never ends: what it carries is told by tests of its own.
        var body = type == "text/event-stream" ? "" : await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        if (contents is null)
        {
            if (body.Length > 0)
                violations.Add($"the document names no body: {body}");
            return violations;
        }

        if (type is null || contents[type] is not { } content)
        {
            violations.Add($"the document names no {type ?? "answer without a type"}");
            return violations;
        }

        if (type.EndsWith("json", StringComparison.Ordinal))
        {
            var schema = await Schema(content["schema"]!);
            violations.AddRange(schema.Validate(body).Select(error => $"{error.Path} {error.Kind}"));
        }

        if (type == "application/problem+json")
        {
            var problem = JsonNode.Parse(body)!;
            if (content["examples"]![(string?)problem["code"] ?? ""] is null)
                violations.Add($"the document names no {problem["code"]}");
            if ((int?)problem["status"] != (int)answer.StatusCode || (string?)problem["error"] != (string?)problem["detail"])
                violations.Add("the problem contradicts itself");
        }

        return violations.ConvertAll(violation => $"{violation}\n    {body[..Math.Min(body.Length, 500)]}");
    }

    private Task<JsonSchema> Schema(JsonNode schema) => schemas.GetOrAdd(schema.ToJsonString(), _ =>
    {
        // Around it, because beside a reference the definitions would be ignored.
        var whole = new JsonObject { ["allOf"] = new JsonArray(Draft4(schema.AsObject())), ["definitions"] = definitions.DeepClone() };
        return JsonSchema.FromJsonAsync(whole.ToJsonString(), TestContext.Current.CancellationToken);
    });

    /// <summary>
    /// What the document says in JSON Schema 2020-12, for a validator of an older draft. Only the words that it uses: an
    /// unknown one would be ignored, and with it what it demands.
    /// </summary>
    private static JsonObject Draft4(JsonObject schema)
    {
        var older = new JsonObject();
        foreach (var (word, value) in schema)
        {
            switch (word)
            {
                case "description" or "example" or "examples" or "title" or "deprecated":
                    break;
                case "$ref":
                    // Beside a reference only descriptions stand here; older drafts ignore what does.
                    return new JsonObject { ["$ref"] = value!.GetValue<string>().Replace("#/components/schemas/", "#/definitions/", StringComparison.Ordinal) };
                case "const":
                    older["enum"] = new JsonArray(value?.DeepClone());
                    break;
                case "type" or "format" or "enum" or "required" or "minimum" or "maximum" or "minLength" or "maxLength" or "minItems" or "maxItems" or "pattern" or "default":
                    older[word] = value?.DeepClone();
                    break;
                case "items" or "additionalProperties" when value is JsonObject inner:
                    older[word] = Draft4(inner);
                    break;
                case "additionalProperties":
                    older[word] = value?.DeepClone();
                    break;
                case "oneOf" or "anyOf" or "allOf":
                    older[word] = new JsonArray([.. value!.AsArray().Select(each => Draft4(each!.AsObject()))]);
                    break;
                case "properties":
                    older[word] = Each(value!);
                    break;
                default:
                    throw new NotSupportedException($"The document's schemas use {word}: say here what it is in an older draft.");
            }
        }

        return older;
    }

    private static JsonObject Each(JsonNode schemas) =>
        new(schemas.AsObject().Select(schema => KeyValuePair.Create(schema.Key, (JsonNode?)Draft4(schema.Value!.AsObject()))));
}

/// <summary>One operation of the document.</summary>
internal sealed record ApiOperation(string Method, string Path, JsonObject Json)
{
    private readonly Regex pattern = new($"^{Regex.Replace(Path, "{[^}]+}", "[^/]+")}$", RegexOptions.CultureInvariant);

    public string Id => Json["operationId"]!.GetValue<string>();

    public IEnumerable<string> Statuses => Json["responses"]!.AsObject().Select(answer => answer.Key).Where(status => status != "default");

    public bool HasBody => Json["requestBody"] is not null;

    /// <summary>Whether it refuses what is no body of its kind.</summary>
    public bool NeedsBody => Json["requestBody"]?["required"]?.GetValue<bool>() == true;

    public bool TakesTokens => Json["security"] is not null;

    public IEnumerable<ApiParameter> Parameters =>
        from parameter in Json["parameters"]?.AsArray() ?? [] select new ApiParameter(parameter!.AsObject());

    public JsonNode? Answer(string status) => Json["responses"]![status];

    public bool Matches(string path) => pattern.IsMatch(path);

    public override string ToString() => $"{Method} {Path}";
}

internal sealed record ApiParameter(JsonObject Json)
{
    public string Name => Json["name"]!.GetValue<string>();

    public string In => Json["in"]!.GetValue<string>();

    public bool Required => Json["required"]?.GetValue<bool>() == true;

    public JsonObject Schema => Json["schema"]!.AsObject();
}
