using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Http;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace ClosureTable.Api.OpenApi;

/// <summary>Schemas say what our own validation attributes demand, what may be null, and what may be absent.</summary>
internal sealed class DocumentedSchemas : ISchemaFilter
{
    private readonly NullabilityInfoContext nullability = new();

    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { Count: > 0 } properties })
            return;
        foreach (var property in context.Type.GetProperties())
        {
            var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            if (properties.TryGetValue(name, out var described))
                properties[name] = Describe(described, property);
        }
    }

    private IOpenApiSchema Describe(IOpenApiSchema schema, PropertyInfo property)
    {
        var absentRatherThanNull = property.GetCustomAttribute<JsonIgnoreAttribute>()?.Condition == JsonIgnoreCondition.WhenWritingNull;
        if (schema is OpenApiSchema own)
        {
            Constrain(own, property.GetCustomAttributes());
            if (absentRatherThanNull)
                own.Type &= ~JsonSchemaType.Null;
            return own;
        }

        // A reference has no type of its own that null could be added to.
        return absentRatherThanNull || nullability.Create(property).ReadState != NullabilityState.Nullable
            ? schema
            : new OpenApiSchema { Description = schema.Description, OneOf = [schema, new OpenApiSchema { Type = JsonSchemaType.Null }] };
    }

    /// <summary>What the generator does not know of itself.</summary>
    public static void Constrain(OpenApiSchema schema, IEnumerable<Attribute> attributes)
    {
        foreach (var attribute in attributes)
        {
            switch (attribute)
            {
                case TextAttribute text:
                    // The upper bound is of what is left after trimming: more than that can be sent.
                    schema.MinLength = text.Min;
                    break;
                case PasswordAttribute password:
                    (schema.MinLength, schema.MaxLength, schema.Format) = (password.Min, PasswordAttribute.Max, "password");
                    break;
                case NumberAttribute number:
                    (schema.Minimum, schema.Maximum) = ($"{number.Minimum}", $"{number.Maximum}");
                    break;
                case TopicsAttribute:
                    (schema.MinItems, schema.MaxItems) = (1, TopicsAttribute.MaxCount);
                    break;
                case ParentRequiredAttribute:
                    // Of a required field the generator believes that it cannot be null.
                    schema.Type |= JsonSchemaType.Null;
                    break;
                case EmailAttribute:
                    schema.Format = "email";
                    break;
                case AllowedValuesAttribute allowed:
                    schema.Enum = [.. allowed.Values.OfType<string>().Select(value => JsonSerializer.SerializeToNode(value)!)];
                    break;
            }
        }
    }
}

/// <summary>The same for what stands in the query, the path and the headers.</summary>
internal sealed class DocumentedParameters : IParameterFilter
{
    public void Apply(IOpenApiParameter parameter, ParameterFilterContext context)
    {
        if (parameter is not OpenApiParameter { Schema: OpenApiSchema schema } described)
            return;
        if (context.PropertyInfo is { } property)
        {
            // The generator reads the properties of a record of parameters; attributes and defaults are on those of its constructor.
            var source = property.DeclaringType!.GetConstructors().SelectMany(constructor => constructor.GetParameters()).First(each => each.Name == property.Name);
            DocumentedSchemas.Constrain(schema, source.GetCustomAttributes());
            if (source is { HasDefaultValue: true, DefaultValue: { } value })
                schema.Default = JsonSerializer.SerializeToNode(value);
            if (described.In == ParameterLocation.Query)
                described.Name = JsonNamingPolicy.SnakeCaseLower.ConvertName(described.Name!);
        }

        DocumentedSchemas.Constrain(schema, context.ParameterInfo?.GetCustomAttributes() ?? []);
        if (described is { In: ParameterLocation.Path, Name: "id" })
            // The first comment and the first user of a new database: what is tried out as it stands finds something soon.
            described.Example = 1;
    }
}
