using System.Net;
using System.Text.Json;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Microsoft.AspNetCore.Mvc.Testing;
using Npgsql;

namespace ClosureTable.Tests.Api;

/// <summary>
/// One tour of the whole API. What it meets is held against the document, and it must meet every status that the document
/// names for every operation: a new operation has to be visited here.
/// </summary>
public sealed class TourTests(ServiceFixture fixture)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_operation_gives_each_answer_that_the_document_names_and_no_other()
    {
        var document = await ApiDocument.Load(fixture.Client());
        var recorder = new Recorder(document);
        var tour = new Tour(fixture, document, recorder);

        await tour.Accounts();
        await tour.Comments();
        await tour.Writes();
        await tour.Moderation();
        await tour.Likes();
        await tour.Search();
        await tour.Feeds();
        await tour.Live();
        await tour.Probes();
        await tour.WhatAllOperationsShare();
        await tour.TooOften();
        await tour.WithoutDatabase();
        await tour.SlowDatabase();

        Assert.True(recorder.Violations.Count == 0, "Answers that the document does not describe:\n" + string.Join('\n', recorder.Violations.Distinct()));
        var missing = recorder.Missing.ToList();
        Assert.True(missing.Count == 0, $"The document names answers that the tour did not meet. Visit them in {nameof(Tour)}, or take them out of the endpoint's problems:\n" + string.Join('\n', missing));
    }

    private sealed class Tour(ServiceFixture fixture, ApiDocument document, Recorder recorder)
    {
        private readonly Uri service = fixture.Client().BaseAddress!;

        private HttpClient Anybody() => recorder.Caller(service);

        private async Task<HttpClient> SignedIn(string role = Roles.User) => recorder.Caller(service, (await fixture.NewUser(role: role)).Token);

        private static async Task<HttpResponseMessage> Send(
            HttpClient client, HttpMethod method, string path, object? body = null, string? header = null, string? value = null)
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is not null)
                request.Content = RequestTemplate.Json(JsonSerializer.Serialize(body));
            if (header is not null)
                request.Headers.TryAddWithoutValidation(header, value);
            return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        }

        /// <summary>Notes a detour rather than ending there: one run shows all that is wrong.</summary>
        private async Task Expect(HttpStatusCode status, Task<HttpResponseMessage> sent)
        {
            using var answer = await sent;
            if (answer.StatusCode != status)
                recorder.Note($"{answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri!.PathAndQuery} → {(int)answer.StatusCode} instead of {(int)status}: {await answer.Content.ReadAsStringAsync(Ct)}");
        }

        public async Task Accounts()
        {
            var anybody = Anybody();
            var account = new { email = $"{Guid.NewGuid():n}@example.org", password = "a good password", name = "ann" };
            await Expect(HttpStatusCode.Created, anybody.Post("/auth/register", account));
            await Expect(HttpStatusCode.Conflict, anybody.Post("/auth/register", account));
            var session = await (await anybody.Post("/auth/login", account)).Json();
            await Expect(HttpStatusCode.Unauthorized, anybody.Post("/auth/login", account with { password = "another password" }));
            await Expect(HttpStatusCode.OK, anybody.Post("/auth/refresh", new { refresh_token = session.Text("refresh_token") }));
            await Expect(HttpStatusCode.Unauthorized, anybody.Post("/auth/refresh", new { refresh_token = "unknown" }));
            await Expect(HttpStatusCode.NoContent, anybody.Post("/auth/logout", new { refresh_token = session.Text("refresh_token") }));
            await Expect(HttpStatusCode.OK, recorder.Caller(service, session.Text("token")).Get("/users/me"));
        }

        /// <summary>All shapes of a comment: roots, replies, tombstones, edited ones, with replies left out, read by a user and anonymously.</summary>
        public async Task Comments()
        {
            var (ann, bob, anybody) = (await SignedIn(), await SignedIn(), Anybody());
            var topic = Conversation.NewTopic();
            var root = await ann.Begin("a root", topic);
            var first = await bob.Reply(root.Id(), "first");
            await bob.Reply(root.Id(), "second");
            await bob.Reply(first.Id(), "below the first");
            await Expect(HttpStatusCode.OK, bob.Put($"/comments/{root.Id()}/like"));
            await Expect(HttpStatusCode.OK, ann.Patch($"/comments/{root.Id()}", new { content = "an edited root" }));
            await Expect(HttpStatusCode.OK, bob.Delete($"/comments/{first.Id()}"));

            foreach (var reader in new[] { ann, anybody })
            {
                await Expect(HttpStatusCode.OK, reader.Get($"/comments?topic={Uri.EscapeDataString(topic)}&sort=top&limit=1&depth=3&children=1"));
                await Expect(HttpStatusCode.OK, reader.Get($"/comments?topic={Uri.EscapeDataString(topic)}"));
                await Expect(HttpStatusCode.OK, reader.Get($"/topics/counts?topic={Uri.EscapeDataString(topic)}&topic=none"));
                foreach (var path in new[] { $"/comments/{root.Id()}", $"/comments/{root.Id()}?children=1&depth=1", $"/comments/{root.Id()}/children?children=0", $"/comments/{first.Id()}/ancestors" })
                {
                    using var answer = await reader.Get(path);
                    await Expect(HttpStatusCode.NotModified, Send(reader, HttpMethod.Get, path, header: "If-None-Match", value: answer.Headers.ETag!.ToString()));
                }

                foreach (var read in new[] { "", "/children", "/ancestors" })
                    await Expect(HttpStatusCode.NotFound, reader.Get($"/comments/{long.MaxValue}{read}"));
            }

            await Expect(HttpStatusCode.OK, ann.Get($"/comments/{root.Id()}/revisions"));
            await Expect(HttpStatusCode.Forbidden, bob.Get($"/comments/{root.Id()}/revisions"));
            await Expect(HttpStatusCode.NotFound, bob.Get($"/comments/{long.MaxValue}/revisions"));
        }

        public async Task Writes()
        {
            var (ann, bob) = (await SignedIn(), await SignedIn());
            var root = await ann.Begin();
            var path = $"/comments/{root.Id()}";
            var tombstone = await ann.Reply(root.Id());
            await ann.Reply(tombstone.Id());
            await Expect(HttpStatusCode.OK, ann.Delete($"/comments/{tombstone.Id()}"));
            var text = new { content = "a text" };

            var key = Guid.NewGuid().ToString();
            await Expect(HttpStatusCode.Created, Send(ann, HttpMethod.Post, "/comments", text, "Idempotency-Key", key));
            await Expect(HttpStatusCode.Created, Send(ann, HttpMethod.Post, "/comments", text, "Idempotency-Key", key));
            await Expect(HttpStatusCode.UnprocessableEntity, Send(ann, HttpMethod.Post, "/comments", new { content = "another" }, "Idempotency-Key", key));
            await Expect(HttpStatusCode.NotFound, ann.Post("/comments", new { content = "a reply", parent_id = long.MaxValue }));
            await Expect(HttpStatusCode.Conflict, ann.Post("/comments", new { content = "a reply", parent_id = tombstone.Id() }));

            await Expect(HttpStatusCode.OK, ann.Patch(path, text));
            await Expect(HttpStatusCode.Forbidden, bob.Patch(path, text));
            await Expect(HttpStatusCode.NotFound, ann.Patch($"/comments/{long.MaxValue}", text));
            await Expect(HttpStatusCode.Conflict, ann.Patch($"/comments/{tombstone.Id()}", text));
            await Expect(HttpStatusCode.PreconditionFailed, Send(ann, HttpMethod.Patch, path, text, "If-Match", "\"0-0-0\""));

            await Expect(HttpStatusCode.Forbidden, bob.Delete(path));
            await Expect(HttpStatusCode.NotFound, ann.Delete($"/comments/{long.MaxValue}"));
            await Expect(HttpStatusCode.Conflict, ann.Delete($"/comments/{tombstone.Id()}"));
            await Expect(HttpStatusCode.PreconditionFailed, Send(ann, HttpMethod.Delete, path, header: "If-Match", value: "\"0-0-0\""));
        }

        public async Task Moderation()
        {
            var (ann, moderator) = (await SignedIn(), await SignedIn(Roles.Moderator));
            var root = await ann.Begin();
            var reply = await ann.Reply(root.Id());
            var below = await ann.Reply(reply.Id());
            var path = $"/comments/{reply.Id()}/parent";
            await Expect(HttpStatusCode.OK, moderator.Put(path, new { parent_id = (long?)null }));
            await Expect(HttpStatusCode.OK, moderator.Put(path, new { parent_id = root.Id() }));
            await Expect(HttpStatusCode.Forbidden, ann.Put(path, new { parent_id = (long?)null }));
            await Expect(HttpStatusCode.NotFound, moderator.Put(path, new { parent_id = long.MaxValue }));
            await Expect(HttpStatusCode.UnprocessableEntity, moderator.Put(path, new { parent_id = below.Id() }));
            await Expect(HttpStatusCode.PreconditionFailed, Send(moderator, HttpMethod.Put, path, new { parent_id = (long?)null }, "If-Match", "\"0-0-0\""));
            await Expect(HttpStatusCode.OK, moderator.Delete($"/comments/{reply.Id()}"));
            await Expect(HttpStatusCode.Conflict, moderator.Put($"/comments/{below.Id()}/parent", new { parent_id = reply.Id() }));
            await Expect(HttpStatusCode.OK, moderator.Delete($"/comments/{root.Id()}?subtree=true"));
        }

        public async Task Likes()
        {
            var (id, _, token) = await fixture.NewUser();
            var (ann, bob) = (recorder.Caller(service, token), await SignedIn());
            var comment = await ann.Begin();
            await ann.Reply(comment.Id());
            var path = $"/comments/{comment.Id()}/like";
            await Expect(HttpStatusCode.OK, ann.Put(path));
            await Expect(HttpStatusCode.OK, ann.Get("/users/me/likes"));
            await Expect(HttpStatusCode.OK, bob.Get($"/users/{id}/likes"));
            await Expect(HttpStatusCode.OK, Anybody().Get($"/users/{id}/likes"));
            await Expect(HttpStatusCode.NotFound, bob.Get($"/users/{long.MaxValue}/likes"));
            await Expect(HttpStatusCode.OK, ann.Delete(path));
            await Expect(HttpStatusCode.OK, ann.Delete($"/comments/{comment.Id()}"));
            foreach (var method in new[] { HttpMethod.Put, HttpMethod.Delete })
            {
                await Expect(HttpStatusCode.Conflict, Send(ann, method, path));
                await Expect(HttpStatusCode.NotFound, Send(ann, method, $"/comments/{long.MaxValue}/like"));
            }
        }

        public async Task Feeds()
        {
            var (id, _, token) = await fixture.NewUser();
            var topic = Conversation.NewTopic();
            await recorder.Caller(service, token).Begin("a root", topic);
            var anybody = Anybody();
            foreach (var path in new[] { $"/topics/feed?topic={Uri.EscapeDataString(topic)}", $"/users/{id}/feed" })
            {
                using var answer = await anybody.Get(path);
                await Expect(HttpStatusCode.NotModified, Send(anybody, HttpMethod.Get, path, header: "If-None-Match", value: answer.Headers.ETag!.ToString()));
                await Expect(HttpStatusCode.PreconditionFailed, Send(anybody, HttpMethod.Get, path, header: "If-Match", value: "\"another\""));
            }

            await Expect(HttpStatusCode.NotFound, anybody.Get($"/users/{long.MaxValue}/feed"));
        }

        public async Task Search()
        {
            var (ann, bob) = (await SignedIn(), Anybody());
            var word = $"w{Guid.NewGuid():n}";
            await ann.Reply((await ann.Begin($"{word} <b>")).Id(), $"and {word} again");
            foreach (var reader in new[] { ann, bob })
            {
                await Expect(HttpStatusCode.OK, reader.Get($"/comments/search?q={word}&limit=1"));
                await Expect(HttpStatusCode.OK, reader.Get($"/comments/search/{word}"));
            }
        }

        public async Task Live()
        {
            var topic = Conversation.NewTopic();
            var root = await (await SignedIn()).Begin(topic: topic);
            await Expect(HttpStatusCode.OK, Send(Anybody(), HttpMethod.Get, $"/comments/{root.Id()}/events"));
            await Expect(HttpStatusCode.OK, Send(Anybody(), HttpMethod.Get, $"/topics/events?topic={Uri.EscapeDataString(topic)}"));
            await Expect(HttpStatusCode.NotFound, Anybody().Get($"/comments/{long.MaxValue}/events"));
        }

        public async Task Probes()
        {
            await Expect(HttpStatusCode.OK, Anybody().Get("/health/live"));
            await Expect(HttpStatusCode.OK, Anybody().Get("/health/ready"));
        }

        /// <summary>What can be wrong with any request, and is not repeated for each operation above.</summary>
        public async Task WhatAllOperationsShare()
        {
            var (anybody, ann, stranger) = (Anybody(), await SignedIn(), recorder.Caller(service, "no.good.token"));
            foreach (var operation in document.Operations)
            {
                var template = new RequestTemplate(document, operation);
                if (operation.TakesTokens)
                    await Expect(HttpStatusCode.Unauthorized, stranger.SendAsync(template.Request(), Ct));
                if (operation.Path.Contains("{id}", StringComparison.Ordinal))
                    await Expect(HttpStatusCode.NotFound, ann.SendAsync(template.With("id", "9223372036854775808").Request(), Ct));
                foreach (var wrong in operation.Parameters.Where(parameter => parameter.In == "query").Select(Wrong).OfType<(string Name, string Value)>())
                    await Expect(HttpStatusCode.BadRequest, ann.SendAsync(template.With(wrong.Name, wrong.Value).Request(), Ct));
                if (!operation.NeedsBody)
                    continue;

                await Expect(HttpStatusCode.BadRequest, ann.SendAsync((template with { Body = RequestTemplate.Json("{") }).Request(), Ct));
                await Expect(HttpStatusCode.UnsupportedMediaType, ann.SendAsync((template with { Body = new StringContent("text") }).Request(), Ct));
                using var large = (template with { Body = RequestTemplate.Json($"\"{new string('x', 200_000)}\"") }).Request();
                // So that the refusal does not cut the body off on its way.
                large.Headers.ExpectContinue = true;
                await Expect(HttpStatusCode.RequestEntityTooLarge, ann.SendAsync(large, Ct));
            }
        }

        /// <summary>A value that the parameter's schema excludes.</summary>
        private static (string Name, string Value)? Wrong(ApiParameter parameter) => parameter.Schema["type"]!.GetValue<string>() switch
        {
            "integer" or "boolean" => (parameter.Name, "x"),
            _ when parameter.Schema["enum"] is not null => (parameter.Name, "x"),
            _ when parameter.Name == "cursor" => (parameter.Name, "x"),
            _ when parameter.Schema["minLength"] is not null || parameter.Schema["minItems"] is not null => (parameter.Name, "\0"),
            _ => null,
        };

        public async Task TooOften()
        {
            await using var limited = fixture.Instance(host => host
                .UseSetting("RateLimits:Enabled", "true").UseSetting("RateLimits:Window", "1.00:00:00")
                .UseSetting("RateLimits:Reads", "1").UseSetting("RateLimits:Writes", "1").UseSetting("RateLimits:SignIns", "1"));
            var client = recorder.Caller(limited.CreateClient().BaseAddress!, (await fixture.NewUser()).Token);
            foreach (var operation in document.Operations.Where(operation => operation.Answer("429") is not null))
            {
                // The first of each kind may pass.
                using var first = await client.SendAsync(new RequestTemplate(document, operation).Request(), HttpCompletionOption.ResponseHeadersRead, Ct);
                await Expect(HttpStatusCode.TooManyRequests, client.SendAsync(new RequestTemplate(document, operation).Request(), Ct));
            }
        }

        /// <summary>A database that is there when the service starts, and then is not.</summary>
        public async Task WithoutDatabase()
        {
            var (database, cutOff, client) = await OnDatabaseOfItsOwn();
            await using var _ = cutOff;
            await fixture.Query<object>($"drop database {database.Database} with (force)");
            await SideBySide(
                document.Operations.Where(operation => operation.Answer("503") is not null),
                operation => Expect(HttpStatusCode.ServiceUnavailable, client.SendAsync(new RequestTemplate(document, operation).Request(), Ct)));
        }

        /// <summary>A database in which another session locks every table.</summary>
        public async Task SlowDatabase()
        {
            var (database, slow, client) = await OnDatabaseOfItsOwn();
            await using (slow)
            {
                await using var other = new NpgsqlConnection(database.ConnectionString);
                await other.OpenAsync(Ct);
                await using var transaction = await other.BeginTransactionAsync(Ct);
                var tables = await other.QueryAsync<string>("select relname from pg_stat_user_tables where relname <> 'schema_versions'", transaction: transaction);
                await other.ExecuteAsync($"lock table {string.Join(", ", tables)} in access exclusive mode", transaction: transaction);
                await SideBySide(
                    document.Operations.Where(operation => operation.Answer("default") is not null && operation.Answer("200")?["content"]?["text/event-stream"] is null),
                    operation => Expect(HttpStatusCode.GatewayTimeout, client.SendAsync(new RequestTemplate(document, operation).Request(), Ct)));
            }

            await fixture.Query<object>($"drop database {database.Database} with (force)");
        }

        /// <summary>A few at a time, since each of them waits for a timeout, and no more than a pool has connections.</summary>
        private static Task SideBySide(IEnumerable<ApiOperation> operations, Func<ApiOperation, Task> visit) => Parallel.ForEachAsync(
            operations, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Ct }, async (operation, _) => await visit(operation));

        private async Task<(NpgsqlConnectionStringBuilder Database, WebApplicationFactory<Program> Service, HttpClient Client)> OnDatabaseOfItsOwn()
        {
            var name = $"closuretable_tour_{Guid.NewGuid():n}";
            await fixture.Query<object>($"create database {name}");
            var database = new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { Database = name };
            var instance = fixture.Instance(host => host
                // What it logs about its database is expected here, and long.
                .UseSetting("Logging:LogLevel:Default", "None").UseSetting("Logging:LogLevel:Microsoft.AspNetCore", "None")
                .UseSetting("Database:StatementTimeout", "00:00:00.200").UseSetting("Database:LockTimeout", "00:00:00")
                .UseSetting("ConnectionStrings:Comments", database.ConnectionString));
            return (database, instance, recorder.Caller(instance.CreateClient().BaseAddress!, (await fixture.NewUser()).Token));
        }
    }
}
