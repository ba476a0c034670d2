using System.Net;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Api;

public sealed class HeadTests(ServiceFixture fixture)
{
    private static Task<HttpResponseMessage> Head(HttpClient client, string path) =>
        client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path), TestContext.Current.CancellationToken);

    [Fact]
    public async Task HEAD_answers_what_GET_does_without_the_body()
    {
        var (id, _, token) = await fixture.NewUser();
        var ann = fixture.Client().With(token);
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin("root", topic)).Id();
        await ann.Reply(root);
        string[] paths =
        [
            $"/comments?topic={topic}", $"/comments/{root}", $"/comments/{root}/children", $"/comments/{root}/ancestors", $"/comments/{root}/revisions",
            $"/comments/search?q={root}", $"/comments/search/{root}", $"/topics/counts?topic={topic}", $"/topics/feed?topic={topic}", $"/users/{id}/feed",
            $"/users/{id}/likes", "/users/me", "/users/me/likes", "/api/doc/v1/openapi.json", "/health/live", "/",
        ];

        foreach (var path in paths)
        {
            var (get, head) = (await ann.Get(path), await Head(ann, path));
            Assert.True(get.IsSuccessStatusCode, $"{path}: {(int)get.StatusCode}");
            Assert.True(head.StatusCode == get.StatusCode, $"{path}: {(int)head.StatusCode} instead of {(int)get.StatusCode}");
            Assert.Equal(get.Headers.ETag, head.Headers.ETag);
            Assert.Equal(get.Headers.CacheControl, head.Headers.CacheControl);
            Assert.Equal(get.Content.Headers.ContentType, head.Content.Headers.ContentType);
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        var tree = await Head(ann, $"/comments/{root}");
        Assert.Equal((await ann.Get($"/comments/{root}")).Content.Headers.ContentLength, tree.Content.Headers.ContentLength);
        var known = new HttpRequestMessage(HttpMethod.Head, $"/comments/{root}");
        known.Headers.IfNoneMatch.Add(tree.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await ann.SendAsync(known, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await Head(ann, $"/comments/{long.MaxValue}")).StatusCode);
    }

    [Fact]
    public async Task HEAD_of_a_stream_ends_after_its_headers()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        using var answer = await Head(ann, $"/comments/{root}/events");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
    }

    [Fact]
    public void Every_route_that_takes_GET_takes_HEAD()
    {
        var methods = fixture.Services.GetRequiredService<EndpointDataSource>().Endpoints
            .Select(endpoint => (endpoint.DisplayName, endpoint.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods))
            .Where(endpoint => endpoint.HttpMethods?.Contains("GET") == true)
            .ToList();
        Assert.NotEmpty(methods);
        Assert.All(methods, endpoint => Assert.Contains("HEAD", endpoint.HttpMethods!));
    }

    [Fact]
    public async Task Where_nothing_is_read_HEAD_is_405_and_says_what_is_taken()
    {
        var answer = await Head(fixture.Client(), "/comments/1/like");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["DELETE", "PUT"], answer.Content.Headers.Allow.Order());
        Assert.Contains("HEAD", (await fixture.Client().Post("/comments/1", new { })).Content.Headers.Allow);
    }
}
