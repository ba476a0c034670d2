using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Api.Operations;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ClosureTable.Tests.Operations;

/// <summary>What is written down, and what never is.</summary>
public sealed class LogTests(ServiceFixture fixture)
{
    private WebApplicationFactory<Program> Logging(CapturedLogs logs, Action<IWebHostBuilder>? configure = null) => fixture.Instance(host =>
    {
        // The levels of production: the fixture's own are quieter.
        host.UseSetting("Logging:LogLevel:Default", "Information")
            .UseSetting("Logging:LogLevel:Microsoft.Hosting", "Information")
            .ConfigureServices(services => services.AddSingleton<ILoggerProvider>(logs));
        configure?.Invoke(host);
    });

    [Fact]
    public async Task A_tour_leaves_no_token_no_password_no_address_and_no_content_in_the_logs()
    {
        using var logs = new CapturedLogs();
        // Every request is a slow one here, and has its line.
        await using var instance = Logging(logs, host => host.UseSetting("RequestLog:SlowerThan", "00:00:00.001"));
        var client = instance.CreateClient();
        var (email, password, content, edited, searched) = ($"{Guid.NewGuid():n}@example.org", $"pass {Guid.NewGuid():n}", $"said {Guid.NewGuid():n}", $"meant {Guid.NewGuid():n}", $"sought {Guid.NewGuid():n}");

        var account = await (await client.Post("/auth/register", new { email, password, name = "Ann" })).Json(HttpStatusCode.Created);
        await client.Post("/auth/login", new { email, password = "not " + password });
        var session = await (await client.Post("/auth/login", new { email, password })).Json();
        client.With(session.Text("token"));
        var topic = Conversation.NewTopic();
        var root = await client.Begin(content, topic);
        await client.Reply(root.Id(), content);
        await client.Patch($"/comments/{root.Id()}", new { content = edited });
        await client.Put($"/comments/{root.Id()}/like");
        await client.Get($"/comments/search?q={Uri.EscapeDataString(searched)}");
        await client.Get($"/comments/search/{Uri.EscapeDataString(searched)}");
        await client.Get($"/comments?topic={Uri.EscapeDataString(topic)}&cursor={Uri.EscapeDataString(searched)}");
        await client.Post("/comments", new { content, parent_id = long.MaxValue });
        await client.PostAsync("/comments", new StringContent($"{{\"content\": \"{content}", null, "application/json"), TestContext.Current.CancellationToken);
        await client.Delete($"/comments/{root.Id()}");
        var next = await (await client.Post("/auth/refresh", new { refresh_token = session.Text("refresh_token") })).Json();
        await client.Post("/auth/refresh", new { refresh_token = session.Text("refresh_token") });
        await client.Post("/auth/logout", new { refresh_token = next.Text("refresh_token") });
        await instance.CreateClient().With(session.Text("token") + "x").Get("/users/me");

        var lines = logs.Lines;
        Assert.Contains(lines, line => line.Fields.GetValueOrDefault("Route") is "/auth/login");
        Assert.Contains(lines, line => line.Fields.GetValueOrDefault("UserId") is long id && id == account.Id());
        var written = string.Join('\n', lines);
        Assert.All(
            [
                email, password, content, edited, searched, topic, ServiceFixture.SigningKey,
                session.Text("token"), session.Text("refresh_token"), next.Text("token"), next.Text("refresh_token"), session.Text("token").Split('.')[2],
            ],
            secret => Assert.DoesNotContain(secret, written, StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_failure_of_ours_is_one_line_that_names_route_status_user_and_trace()
    {
        using var logs = new CapturedLogs();
        await using var instance = Logging(logs, host => host.ConfigureTestServices(services =>
            services.AddSingleton(NpgsqlDataSource.Create("Host=127.0.0.1;Port=1;Username=unknown;Password=not for the log;Timeout=2"))));
        var (id, _, token) = await fixture.NewUser();

        var problem = await (await instance.CreateClient().With(token).Put("/comments/1/like")).Problem(HttpStatusCode.ServiceUnavailable, "database_unavailable");

        var line = Assert.Single(logs.Lines, line => line.Message.Contains(problem.Text("trace_id"), StringComparison.Ordinal));
        Assert.Equal(LogLevel.Error, line.Level);
        Assert.Equal("/comments/{id:long}/like/", line.Fields["Route"]);
        Assert.Equal("PUT", line.Fields["Method"]);
        Assert.Equal(503, line.Fields["Status"]);
        Assert.Equal(id, line.Fields["UserId"]);
        Assert.IsAssignableFrom<double>(line.Fields["Milliseconds"]);
        Assert.IsAssignableFrom<NpgsqlException>(line.Exception);
        Assert.DoesNotContain("not for the log", line.ToString(), StringComparison.Ordinal);
        // Nothing else was logged twice.
        Assert.Single(logs.Lines, other => other.Exception is NpgsqlException && other.Category.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || other == line);
    }

    [Fact]
    public async Task What_goes_well_is_not_written_down()
    {
        using var logs = new CapturedLogs();
        await using var instance = Logging(logs, host => host.UseSetting("RequestLog:SlowerThan", "01:00:00"));
        var client = instance.CreateClient();
        await client.Read("/comments");
        var before = logs.Lines.Count;
        await client.Read("/comments");
        await client.Get("/comments/0");
        Assert.DoesNotContain(logs.Lines.Skip(before), line => line.Level < LogLevel.Warning || line.Category == "ClosureTable.Requests");
    }

    [Fact]
    public async Task Production_writes_one_JSON_object_a_line()
    {
        await using var service = await ServiceProcess.Start(fixture.ConnectionString);
        var line = service.Lines[^1];
        Assert.Equal("Information", line.Text("LogLevel"));
        Assert.Equal("Microsoft.Hosting.Lifetime", line.Text("Category"));
        Assert.Equal(DateTimeKind.Utc, line.GetProperty("Timestamp").GetDateTime().Kind);
    }
}
