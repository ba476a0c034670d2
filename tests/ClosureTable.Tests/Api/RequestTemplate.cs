using System.Text;
using System.Text.Json.Nodes;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Api;

/// <summary>A request that an operation takes, made of what the document says: its examples, and what is required.</summary>
internal sealed record RequestTemplate(ApiDocument Document, ApiOperation Operation)
{
    /// <summary>What stands for a parameter; what is not named here has the document's example or a value of its type.</summary>
    private Dictionary<string, string> Values { get; init; } = [];

    /// <summary>The body; by default the document's examples.</summary>
    public HttpContent? Body { get; init; }

    public RequestTemplate With(string parameter, string value) => this with { Values = new(Values) { [parameter] = value } };

    public HttpRequestMessage Request()
    {
        var path = Operation.Path;
        var query = new List<string>();
        foreach (var parameter in Operation.Parameters)
        {
            if (parameter.In == "path")
                path = path.Replace($"{{{parameter.Name}}}", Uri.EscapeDataString(Value(parameter)), StringComparison.Ordinal);
            else if (parameter.In == "query" && (parameter.Required || Values.ContainsKey(parameter.Name)))
                query.Add($"{parameter.Name}={Uri.EscapeDataString(Value(parameter))}");
        }

        return new HttpRequestMessage(new HttpMethod(Operation.Method), query.Count == 0 ? path : $"{path}?{string.Join('&', query)}")
        {
            Content = Body ?? (Operation.HasBody ? Json(Example().ToJsonString()) : null),
        };
    }

    public static StringContent Json(string json) => new(json, Encoding.UTF8, "application/json");

    /// <summary>The body that Swagger UI offers to send.</summary>
    public JsonObject Example()
    {
        var schema = Operation.Json["requestBody"]!["content"]!["application/json"]!["schema"]!;
        var name = schema["$ref"]!.GetValue<string>().Split('/')[^1];
        return new(Document.Json["components"]!["schemas"]![name]!["properties"]!.AsObject()
            .Select(property => KeyValuePair.Create(property.Key, property.Value!["examples"]?[0]?.DeepClone())));
    }

    private string Value(ApiParameter parameter) =>
        Values.TryGetValue(parameter.Name, out var given) ? given
        : parameter.Json["example"] is { } example ? example.ToString()
        : parameter.Schema["type"]!.GetValue<string>() is "integer" ? "1" : "words";
}
