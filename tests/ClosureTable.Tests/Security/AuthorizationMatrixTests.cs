using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Security;

/// <summary>
/// Every route of the service, and what each kind of caller gets there. A route that is added without a line here fails,
/// so that each new route must be decided about.
/// </summary>
public sealed partial class AuthorizationMatrixTests(ServiceFixture fixture)
{
    /// <summary>What a comment answers to: an anonymous caller, another user, its author, a moderator, a disabled user.</summary>
    private sealed record Expected(int Anonymous, int Other, int Author, int Moderator, int Disabled, object? Body = null, string Query = "");

    /// <summary>For all callers; an invalid token is rejected all the same.</summary>
    private static Expected Read(string query = "") => new(200, 200, 200, 200, 401, Query: query);

    /// <summary>For all signed-in callers.</summary>
    private static Expected Account(int status = 200, object? body = null) => new(401, status, status, status, 401, body);

    private static readonly Dictionary<string, Expected> Matrix = new()
    {
        ["GET /comments"] = Read(),
        ["GET /comments/{id}"] = Read(),
        ["GET /comments/{id}/children"] = Read(),
        ["GET /comments/{id}/ancestors"] = Read(),
        ["GET /comments/{id}/events"] = Read(),
        ["GET /comments/search"] = Read("?q=words"),
        ["GET /comments/search/{text}"] = Read(),
        ["GET /topics/counts"] = Read("?topic=t"),
        ["GET /topics/events"] = Read("?topic=t"),
        ["GET /topics/feed"] = Read("?topic=t"),
        ["GET /users/{id}/feed"] = Read(),
        ["GET /users/{id}/likes"] = Read(),

        ["GET /users/me"] = Account(),
        ["GET /users/me/likes"] = Account(),
        ["POST /comments"] = Account(201, new { content = "words" }),
        ["PUT /comments/{id}/like"] = Account(),
        ["DELETE /comments/{id}/like"] = Account(),

        ["GET /comments/{id}/revisions"] = new(401, 403, 200, 200, 401),
        ["PATCH /comments/{id}"] = new(401, 403, 200, 200, 401, new { content = "other words" }),
        ["DELETE /comments/{id}"] = new(401, 403, 200, 200, 401),
        ["PUT /comments/{id}/parent"] = new(401, 403, 403, 200, 401, new { parent_id = (long?)null }),
    };

    /// <summary>Routes that answer every caller alike: pages, probes, and the way in. They show no user's data.</summary>
    private static readonly string[] Public =
    [
        "GET /", "GET /demo.js", "GET /pages.css", "GET /icon.svg", "GET /embed.js", "GET /embed.ru.js",
        "ANY /api/doc/{path}", "GET /api/doc/v1/openapi.json", "GET /problems", "GET /health/live", "GET /health/ready",
        "POST /auth/register", "POST /auth/login", "POST /auth/refresh", "POST /auth/logout",
        // In development, or where it is switched on.
        "GET /explorer", "GET /explorer.css", "GET /explorer.js", "GET /explorer/threads", "GET /explorer/threads/{id}", "POST /explorer/people",
    ];

    private static IEnumerable<(string Route, bool Anonymous)> Routes(ServiceFixture fixture) =>
        from endpoint in fixture.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["ANY"]
        where method != "HEAD" && method != "OPTIONS"
        let path = Parameter().Replace("/" + endpoint.RoutePattern.RawText!.Trim('/'), "{$1}")
        select ($"{method} {path}", endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null);

    [GeneratedRegex(@"\{\**(\w+)[^}]*\}")]
    private static partial Regex Parameter();

    [Fact]
    public void Every_route_is_decided_about()
    {
        var routes = Routes(fixture).ToList();
        var paths = routes.Select(route => route.Route).ToList();
        var decided = Matrix.Keys.Concat(Public).ToList();
        AssertNone(paths.Except(decided), "Add a row to Matrix (or, if anyone may call it, to Public) in AuthorizationMatrixTests for");
        AssertNone(decided.Except(paths), "No longer exists, remove it from Matrix or Public in AuthorizationMatrixTests");
        AssertNone(
            routes.Where(route => route.Anonymous).Select(route => route.Route).Intersect(Matrix.Keys),
            "Has a row in Matrix and skips authentication, remove its AllowAnonymous or move it to Public in AuthorizationMatrixTests");
        AssertNone(Matrix.Keys.Intersect(Public), "Is in both Matrix and Public in AuthorizationMatrixTests, remove it from one of them");

        static void AssertNone(IEnumerable<string> routes, string otherwise)
        {
            var found = string.Join(", ", routes);
            Assert.True(found.Length == 0, $"{otherwise}: {found}");
        }
    }

    [Fact]
    public async Task Each_kind_of_caller_gets_at_each_route_what_it_may_and_no_more()
    {
        var author = await fixture.NewUser("author");
        var disabled = await fixture.NewUser("disabled");
        var callers = new (string Name, HttpClient Client, Func<Expected, int> Status)[]
        {
            ("anonymous", fixture.Client(), expected => expected.Anonymous),
            ("other", await fixture.SignedIn("other"), expected => expected.Other),
            ("author", fixture.Client().With(author.Token), expected => expected.Author),
            ("moderator", await fixture.Moderator(), expected => expected.Moderator),
            ("disabled", fixture.Client().With(disabled.Token), expected => expected.Disabled),
        };
        await fixture.Execute("update auth_users set disabled_at = now() where id = @Id", new { disabled.Id });
        await UntilRefused(callers[^1].Client);
        var wrong = new List<string>();
        foreach (var (route, expected) in Matrix)
        {
            foreach (var (name, client, statusOf) in callers)
            {
                var root = (await callers[2].Client.Begin()).Id();
                var comment = (await callers[2].Client.Reply(root)).Id();
                var (method, path) = (route.Split(' ')[0], route.Split(' ')[1]);
                path = path.Replace("{id}", $"{(path.StartsWith("/users", StringComparison.Ordinal) ? author.Id : comment)}", StringComparison.Ordinal)
                    .Replace("{text}", "words", StringComparison.Ordinal);
                using var request = new HttpRequestMessage(new HttpMethod(method), path + expected.Query) { Content = expected.Body is null ? null : JsonContent.Create(expected.Body) };
                using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
                if ((int)answer.StatusCode != statusOf(expected))
                    wrong.Add($"{route} by {name}: {(int)answer.StatusCode} instead of {statusOf(expected)}");
                if ((int)answer.StatusCode is 401 or 403 && !await IsThere(callers[3].Client, comment))
                    wrong.Add($"{route} by {name} was refused and changed something");
            }
        }

        Assert.Empty(wrong);
    }

    private static async Task<bool> IsThere(HttpClient moderator, long comment)
    {
        var json = await moderator.Read($"/comments/{comment}");
        return json.Text("content") == "a reply" && json.Int("like_count") == 0 && json.GetProperty("parent_id").ValueKind == JsonValueKind.Number;
    }

    /// <summary>Not by /users/me, which looks into the database and knows at once.</summary>
    private static Task UntilRefused(HttpClient client) =>
        Wait.Until(async () => (await client.Get("/comments")).StatusCode == HttpStatusCode.Unauthorized);

    [Fact]
    public async Task A_caller_cannot_set_what_callers_must_not_set()
    {
        var ann = await fixture.NewUser();
        var client = fixture.Client().With(ann.Token);
        var comment = await (await client.Post("/comments", new
        {
            content = "words",
            id = 1,
            root_id = 1,
            depth = 7,
            author = new { id = 1 },
            author_id = 1,
            created_at = "2000-01-01T00:00:00Z",
            edited_at = "2000-01-01T00:00:00Z",
            deleted = true,
            like_count = 99,
            child_count = 99,
            descendant_count = 99,
            liked = true,
        })).Json(HttpStatusCode.Created);
        Assert.Equal(comment.Id(), comment.GetProperty("root_id").GetInt64());
        Assert.Equal(ann.Id, comment.GetProperty("author").Id());
        Assert.Equal((0, 0, 0, 0), (comment.Int("depth"), comment.Int("like_count"), comment.Int("child_count"), comment.Int("descendant_count")));
        Assert.False(comment.GetProperty("deleted").GetBoolean());
        Assert.True(comment.GetProperty("created_at").GetDateTime() > DateTime.UtcNow.AddHours(-1));

        var other = (await (await fixture.SignedIn()).Begin()).Id();
        var edited = await (await client.Patch($"/comments/{comment.Id()}", new { content = "more", parent_id = other, author_id = 1, like_count = 99, topic = "t" })).Json();
        Assert.Equal(JsonValueKind.Null, edited.GetProperty("comment").GetProperty("parent_id").ValueKind);
        Assert.Equal(JsonValueKind.Null, edited.GetProperty("comment").GetProperty("topic").ValueKind);
        Assert.Equal(0, edited.GetProperty("comment").Int("like_count"));

        var account = await (await fixture.Client().Post("/auth/register", new { email = $"{Guid.NewGuid():n}@example.org", password = "anything at all", name = "Eve", role = "moderator", id = 1 })).Json(HttpStatusCode.Created);
        Assert.Equal("user", account.Text("role"));
        Assert.NotEqual(1, account.Id());
    }

    /// <summary>What no request has a member for.</summary>
    private static readonly Dictionary<string, object?> Unasked = new()
    {
        ["id"] = 4_000_000_000,
        ["role"] = "moderator",
        ["author_id"] = 1,
        ["author"] = new { id = 1, role = "moderator" },
        ["user_id"] = 1,
        ["root_id"] = 1,
        ["depth"] = 7,
        ["like_count"] = 99,
        ["liked"] = true,
        ["child_count"] = 99,
        ["descendant_count"] = 99,
        ["deleted"] = true,
        ["deleted_at"] = "2000-01-01T00:00:00Z",
        ["created_at"] = "2000-01-01T00:00:00Z",
        ["edited_at"] = "2000-01-01T00:00:00Z",
        ["issuer"] = "https://issuer.example",
        ["disabled_at"] = "2000-01-01T00:00:00Z",
        ["subtree"] = true,
    };

    private static JsonContent Body(object? body, bool more)
    {
        var members = body is null ? [] : JsonSerializer.SerializeToElement(body).EnumerateObject().ToDictionary(member => member.Name, object? (member) => member.Value);
        return JsonContent.Create(more ? members.Concat(Unasked).ToDictionary() : members);
    }

    public static TheoryData<string> Writes => new(Matrix.Keys.Where(route => !route.StartsWith("GET ", StringComparison.Ordinal)));

    [Theory]
    [MemberData(nameof(Writes))]
    public async Task What_a_body_has_no_member_for_is_ignored_by_every_route_that_writes(string route)
    {
        Assert.Equal(await Outcome(more: false), await Outcome(more: true));

        // All that is in the database of a thread and its people after the call, but for numbers and times.
        async Task<string> Outcome(bool more)
        {
            var (ann, bob) = (await fixture.NewUser("ann"), await fixture.NewUser("bob", route.EndsWith("/parent", StringComparison.Ordinal) ? "moderator" : "user"));
            var (annsClient, caller) = (fixture.Client().With(ann.Token), fixture.Client().With(bob.Token));
            var root = (await annsClient.Begin()).Id();
            var comment = (await caller.Reply(root)).Id();
            var below = (await annsClient.Reply(comment)).Id();
            if (route == "DELETE /comments/{id}/like")
                await (await caller.Put($"/comments/{comment}/like")).Json();

            using var request = new HttpRequestMessage(new(route.Split(' ')[0]), route.Split(' ')[1].Replace("{id}", $"{comment}", StringComparison.Ordinal))
            {
                Content = Body(Matrix[route].Body, more),
            };
            using var answer = await caller.SendAsync(request, TestContext.Current.CancellationToken);
            var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{route} answered {(int)answer.StatusCode}{(more ? " to a body with additional members" : "")}: {text}");
            return await fixture.Query<string>("""
                select jsonb_build_object(
                  'comments', (
                    select jsonb_agg(to_jsonb(c) - '{id, parent_id, root_id, author_id, created_at, edited_at, deleted_at}'::text[] || jsonb_build_object(
                      'author', a.name, 'root', c.root_id = @root, 'own root', c.root_id = c.id, 'parent', case c.parent_id when @root then 'root' when @comment then 'comment' end,
                      'edited', c.edited_at is not null, 'deleted', c.deleted_at is not null, 'new', c.created_at > now() - interval '1 hour') order by c.id)
                    from comments_comments c left join auth_users a on a.id = c.author_id
                    where c.author_id = any(@people) or c.id in (@root, @comment, @below)),
                  'likes', (select count(*) from comments_likes where user_id = any(@people)),
                  'people', (select jsonb_agg(to_jsonb(u) - '{id, email, created_at}'::text[] order by u.id) from auth_users u where u.id = any(@people)))::text
                """, new { root, comment, below, people = new[] { ann.Id, bob.Id } });
        }
    }

    [Fact]
    public async Task What_a_body_has_no_member_for_is_ignored_by_every_way_in()
    {
        var account = new { email = $"{Guid.NewGuid():n}@example.org", password = "anything at all", name = "Eve" };
        async Task<HttpResponseMessage> Post(string path, object body)
        {
            using var content = Body(body, more: true);
            return await fixture.Client().PostAsync(path, content, TestContext.Current.CancellationToken);
        }

        await (await Post("/auth/register", account)).Json(HttpStatusCode.Created);
        var session = await (await Post("/auth/login", account)).Json();
        session = await (await Post("/auth/refresh", new { refresh_token = session.Text("refresh_token") })).Json();
        var eve = fixture.Client().With(session.Text("token"));
        Assert.Equal("user", (await eve.Read("/users/me")).Text("role"));
        var comment = (await eve.Begin()).Id();
        await (await eve.Put($"/comments/{comment}/parent", new { parent_id = (long?)null })).Problem(HttpStatusCode.Forbidden, "forbidden");
        Assert.Equal(HttpStatusCode.NoContent, (await Post("/auth/logout", new { refresh_token = session.Text("refresh_token") })).StatusCode);
        Assert.True(await fixture.Query<bool>("""
            select id < 4000000000 and role = 'user' and issuer is null and disabled_at is null and created_at > now() - interval '1 hour' from auth_users where email = @email
            """, new { account.email }));
    }

    [Fact]
    public async Task No_caller_learns_more_of_others_than_id_and_name()
    {
        var author = await fixture.NewUser("author");
        var root = (await fixture.Client().With(author.Token).Begin("findable words")).Id();
        await (await fixture.Client().With(author.Token).Put($"/comments/{root}/like")).Json();
        foreach (var client in new[] { fixture.Client(), await fixture.SignedIn(), await fixture.Moderator() })
        {
            foreach (var path in new[] { $"/comments/{root}", "/comments", "/comments/search?q=findable", $"/users/{author.Id}/likes", $"/users/{author.Id}/feed" })
            {
                var body = await (await client.Get(path)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                Assert.DoesNotContain(author.Email, body, StringComparison.OrdinalIgnoreCase);
            }

            var shown = (await client.Read($"/comments/{root}")).GetProperty("author");
            Assert.Equal(["id", "name"], shown.EnumerateObject().Select(property => property.Name));
        }
    }
}
