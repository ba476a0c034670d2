using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Operations;

/// <summary>What Prometheus reads, who may read it, and the dashboard that is made of it.</summary>
public sealed partial class MetricsTests(ServiceFixture fixture)
{
    private static async Task<string> Scrape(HttpClient client)
    {
        var answer = await client.Get("/metrics");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>The sum of a metric's series with a label.</summary>
    private static double Sum(string scraped, string metric, string label = "") => scraped.Split('\n')
        .Where(line => (line.StartsWith(metric + "{", StringComparison.Ordinal) || line.StartsWith(metric + " ", StringComparison.Ordinal)) && line.Contains(label, StringComparison.Ordinal))
        .Sum(line => double.Parse(line[(line.LastIndexOf('}') + 1)..].Trim().Split(' ')[0], CultureInfo.InvariantCulture));

    [Fact]
    public async Task What_happens_to_threads_is_counted_once_and_fills_every_panel_of_the_dashboard()
    {
        await using var service = await ServiceProcess.Start(fixture.ConnectionString);
        var client = service.Client.With((await fixture.NewUser()).Token);
        var root = await client.Begin();
        await client.Reply(root.Id());
        await client.Put($"/comments/{root.Id()}/like");
        await client.Put($"/comments/{root.Id()}/like");
        await client.Delete($"/comments/{root.Id()}/like");
        client.DefaultRequestHeaders.Add("Idempotency-Key", "once");
        await client.Reply(root.Id(), "the same");
        await client.Reply(root.Id(), "the same");
        using var watch = new HttpRequestMessage(HttpMethod.Get, $"/comments/{root.Id()}/events") { Headers = { { "Last-Event-ID", "1" } } };
        using var watched = await client.SendAsync(watch, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var stream = new StreamReader(await watched.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        while (await stream.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && !line.StartsWith("data:", StringComparison.Ordinal))
            Assert.DoesNotContain("reset", line, StringComparison.Ordinal);

        using var reader = new HttpClient { BaseAddress = service.Client.BaseAddress };
        await reader.Read($"/comments/{root.Id()}");
        await reader.Read($"/comments/{root.Id()}");

        var scraped = await Scrape(client);
        Assert.Equal(1, Sum(scraped, "closuretable_cache_hits_total"));
        Assert.Equal(3, Sum(scraped, "closuretable_comments_created_total"));
        Assert.Equal(3, Sum(scraped, "closuretable_comments_depth_count"));
        Assert.Equal(2, Sum(scraped, "closuretable_comments_depth_sum"));
        Assert.Equal(1, Sum(scraped, "closuretable_likes_total", "change=\"given\""));
        Assert.Equal(1, Sum(scraped, "closuretable_likes_total", "change=\"taken\""));
        Assert.Equal(1, Sum(scraped, "closuretable_idempotency_replays_total"));
        Assert.Equal(1, Sum(scraped, "closuretable_streams_open"));
        Assert.Equal(1, Sum(scraped, "closuretable_streams_replays_total"));

        var dashboard = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(
            Repository.Path("deploy/grafana/closuretable.json"), TestContext.Current.CancellationToken));
        var queries = dashboard.GetProperty("panels").EnumerateArray()
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray()).Select(target => target.Text("expr")).ToList();
        Assert.NotEmpty(queries);
        Assert.All(queries, query =>
        {
            var names = Name().Matches(query).Select(match => match.Value).ToList();
            // A metric begins a line, a label stands in braces.
            Assert.Contains(names, name => Regex.IsMatch(scraped, $@"(?m)^{name}[{{ ]"));
            Assert.All(names, name => Assert.Matches($@"(?m)^{name}[{{ ]|[{{,]{name}=""", scraped));
        });
    }

    [Fact]
    public async Task Without_an_address_of_their_own_metrics_are_for_this_machine_alone()
    {
        var instance = fixture.Shared();
        Assert.Equal(HttpStatusCode.OK, (await instance.CreateClient().From("127.0.0.1").Get("/metrics")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await instance.CreateClient().From("::1").Get("/metrics")).StatusCode);
        await (await instance.CreateClient().From(Peers.NewAddress()).Get("/metrics")).Problem(HttpStatusCode.NotFound, "not_found");

        var proxied = instance.CreateClient().From("127.0.0.1");
        proxied.DefaultRequestHeaders.Add("X-Forwarded-For", "127.0.0.1");
        await (await proxied.Get("/metrics")).Problem(HttpStatusCode.NotFound, "not_found");
    }

    [Theory]
    [InlineData("comments.example", false)]
    [InlineData("comments.example:8080", false)]
    [InlineData("localhost.example", false)]
    [InlineData("10.0.0.5", false)]
    [InlineData("localhost:8080", true)]
    [InlineData("LOCALHOST", true)]
    [InlineData("127.0.0.1", true)]
    [InlineData("[::1]:8080", true)]
    public async Task What_a_proxy_without_headers_forwards_is_known_by_the_name_that_was_asked_for(string host, bool answered)
    {
        var instance = fixture.Shared();
        var proxy = instance.CreateClient().From("127.0.0.1");
        proxy.DefaultRequestHeaders.Host = host;
        using var answer = await proxy.Get("/metrics");
        Assert.Equal(answered ? HttpStatusCode.OK : HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task At_an_address_of_their_own_metrics_are_all_there_is()
    {
        var port = FreePort();
        await using var instance = fixture.Instance(host => host.UseSetting("Metrics:Url", $"http://127.0.0.1:{port}"));
        var client = instance.CreateClient();
        await client.Read("/comments");
        await (await client.Get("/metrics")).Problem(HttpStatusCode.NotFound, "not_found");

        using var scraper = new HttpClient { BaseAddress = new($"http://127.0.0.1:{port}") };
        Assert.Contains("# TYPE", await Scrape(scraper), StringComparison.Ordinal);
        using var byName = new HttpClient { BaseAddress = scraper.BaseAddress, DefaultRequestHeaders = { Host = "comments.internal" } };
        Assert.Contains("# TYPE", await Scrape(byName), StringComparison.Ordinal);
        foreach (var path in new[] { "/comments", "/", "/health/ready", "/auth/login" })
            Assert.Equal(HttpStatusCode.NotFound, (await scraper.Get(path)).StatusCode);
    }

    [Fact]
    public async Task Switched_off_there_are_no_metrics()
    {
        await using var instance = fixture.Instance(host => host.UseSetting("Metrics:Enabled", "false"));
        Assert.Equal(HttpStatusCode.NotFound, (await instance.CreateClient().Get("/metrics")).StatusCode);
    }

    [Theory]
    [InlineData("9464")]
    [InlineData("https://127.0.0.1:9464")]
    [InlineData("http://127.0.0.1:0")]
    public async Task An_address_that_is_none_stops_the_start(string url)
    {
        var (exitCode, _, error) = await Cli.Run(fixture.ConnectionString, ["serve", "--urls", "http://127.0.0.1:0"],
            ("Authentication__SigningKey", ServiceFixture.SigningKey), ("Metrics__Url", url));
        Assert.Equal(1, exitCode);
        Assert.Contains("Metrics__Url", error, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\b(closuretable|http|kestrel|db|dotnet)_[a-z0-9_]+")]
    private static partial Regex Name();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
