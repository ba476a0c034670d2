using System.Collections.Concurrent;
using System.Net;
using System.Text;
using ClosureTable.Api.Data;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ClosureTable.Tests.Operations;

/// <summary>What a collector is sent.</summary>
public sealed class TraceTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_collector_gets_metrics_and_the_traces_of_requests_with_their_statements_but_not_what_was_said()
    {
        var received = new ConcurrentDictionary<string, string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var collector = builder.Build();
        collector.MapPost("/v1/{signal}", async (string signal, HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            // Protobuf keeps text as it is.
            received.AddOrUpdate(signal, Encoding.UTF8.GetString(body.ToArray()), (_, earlier) => earlier + Encoding.UTF8.GetString(body.ToArray()));
        });
        await collector.StartAsync(TestContext.Current.CancellationToken);

        var secret = $"sought{Guid.NewGuid():n}";
        await using (var instance = fixture.Instance(host => host
            .UseSetting("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Urls.First()).UseSetting("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")))
        {
            var (_, _, token) = await fixture.NewUser();
            var client = instance.CreateClient().With(token);
            var root = await client.Begin(secret);
            await client.Read($"/comments/{root.Id()}");
            await client.Get($"/comments/search/{secret}");
            await client.Get($"/comments/search?q={secret}");
            Assert.Equal(HttpStatusCode.OK, (await client.Get("/health/ready")).StatusCode);
        }

        // Stopping the instance sent the rest.
        Assert.Contains("closuretable.comments.created", received["metrics"], StringComparison.Ordinal);
        var traces = received["traces"];
        Assert.Contains("/comments/{id:long}", traces, StringComparison.Ordinal);
        Assert.Contains("from comments_comments", traces, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, traces, StringComparison.Ordinal);
        Assert.DoesNotContain(ServiceFixture.SigningKey, traces + received["metrics"], StringComparison.Ordinal);
    }
}
