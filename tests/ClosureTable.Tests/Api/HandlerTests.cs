using System.Reflection;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Api;

/// <summary>What holds for every handler.</summary>
public sealed class HandlerTests(ServiceFixture fixture)
{
    [Fact]
    public void No_handler_has_more_than_six_parameters()
    {
        var handlers = fixture.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints)
            .Select(endpoint => endpoint.Metadata.GetMetadata<MethodInfo>()).OfType<MethodInfo>()
            .Where(handler => handler.Module.Assembly == typeof(Program).Assembly).ToList();
        Assert.True(handlers.Count > 20, $"Only {handlers.Count} handlers were found.");
        Assert.All(handlers, handler => Assert.True(handler.GetParameters().Length <= 6, $"{handler.DeclaringType!.Name}.{handler.Name}"));
    }
}
