namespace ClosureTable.Api.Http;

/// <summary>Every GET endpoint also accepts HEAD (RFC 9110, 9.1): its handler runs, and the server drops the body.</summary>
internal static class HeadRequests
{
    /// <summary>A group for all endpoints: those that take GET take HEAD too.</summary>
    public static RouteGroupBuilder MapGetWithHead(this IEndpointRouteBuilder app)
    {
        var group = app.MapGroup("");
        ((IEndpointConventionBuilder)group).Add(endpoint =>
        {
            for (var index = 0; index < endpoint.Metadata.Count; index++)
            {
                if (endpoint.Metadata[index] is IHttpMethodMetadata { HttpMethods: [var only] } taken && HttpMethods.IsGet(only))
                    endpoint.Metadata[index] = new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head], taken.AcceptCorsPreflight);
            }
        });
        return group;
    }
}
