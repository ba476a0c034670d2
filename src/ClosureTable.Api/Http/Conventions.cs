namespace ClosureTable.Api.Http;

/// <summary>A header that an endpoint's answers of one status carry.</summary>
internal sealed record ResponseHeaderMetadata(int Status, string Name, string Description, bool Always);

/// <summary>What an endpoint answers, where a schema does not tell.</summary>
internal sealed record ResponseExampleMetadata(string ContentType, string Example);

/// <summary>A body that the endpoint reads itself, and that is never wrong.</summary>
internal sealed record OptionalBodyMetadata(Type Type);

internal static class ResponseConventions
{
    /// <summary>Names a header of the answers of one status; <paramref name="always"/> false where some go without.</summary>
    public static TBuilder WithResponseHeader<TBuilder>(this TBuilder builder, int status, string name, string description, bool always = true)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ResponseHeaderMetadata(status, name, description, always));

    /// <summary>Shows what a 200 of a type looks like that is not JSON.</summary>
    public static TBuilder WithResponseExample<TBuilder>(this TBuilder builder, string contentType, string example)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata(new ResponseExampleMetadata(contentType, example));
}
