using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;
using Dapper;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace ClosureTable.Tests.Comments;

public sealed class IdempotencyTests(ServiceFixture fixture)
{
    private const string Cut = "X-Test-Cut";

    private static Task<HttpResponseMessage> Send(HttpClient client, string key, object body, bool cut = false)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/comments") { Content = JsonContent.Create(body) };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        if (cut)
            request.Headers.Add(Cut, "1");
        return client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static string NewKey() => $"key {Guid.NewGuid()} !~";

    private static bool IsReplay(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues("Idempotent-Replayed", out var values) && values.Single() == "true";

    private Task<long> Written(string content) =>
        fixture.Query<long>("select count(*) from comments_comments where content = @content", new { content });

    private static Task<string> Body(HttpResponseMessage answer) => answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    /// <summary>The tables that have the words anywhere: in a text, in a document, or as bytes.</summary>
    private async Task<string> TablesWith(string words)
    {
        await using var connection = await fixture.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(TestContext.Current.CancellationToken);
        var found = new List<string>();
        foreach (var table in await connection.QueryAsync<string>("""
            select oid::regclass::text
            from pg_class
            where relkind = 'r' and relnamespace = 'public'::regnamespace
            order by 1
            """))
        {
            if (await connection.ExecuteScalarAsync<bool>(
                $"select exists (select from {table} t where t::text like '%' || @words || '%' or t::text like '%' || encode(convert_to(@words, 'UTF8'), 'hex') || '%')",
                new { words }))
                found.Add(table);
        }

        return string.Join(", ", found);
    }

    [Fact]
    public async Task The_same_request_gets_the_same_answer_byte_for_byte_and_writes_once()
    {
        var ann = await fixture.SignedIn();
        var (key, content) = (NewKey(), $"once {Guid.NewGuid()}");

        var first = await Send(ann, key, new { content });
        var comment = await first.Json(HttpStatusCode.Created);
        // What others do is no part of the answer.
        await ann.Reply(comment.Id());
        var again = await Send(ann, key, new { content = $" {content} " });

        Assert.False(IsReplay(first));
        Assert.True(IsReplay(again));
        Assert.Equal(HttpStatusCode.Created, again.StatusCode);
        Assert.Equal(first.Headers.Location, again.Headers.Location);
        Assert.Equal(await Body(first), await Body(again));
        Assert.Equal(1, await Written(content));
    }

    [Fact]
    public async Task After_an_edit_a_retry_gets_what_the_comment_says_now_and_writes_nothing()
    {
        var ann = await fixture.SignedIn();
        var (key, content) = (NewKey(), $"before{Guid.NewGuid():n}");
        var comment = await (await Send(ann, key, new { content })).Json(HttpStatusCode.Created);
        await (await ann.Patch($"/comments/{comment.Id()}", new { content = "edited" })).Json();

        var again = await Send(ann, key, new { content });

        Assert.True(IsReplay(again));
        var replay = await again.Json(HttpStatusCode.Created);
        Assert.Equal((comment.Id(), "edited"), (replay.Id(), replay.Text("content")));
        Assert.Equal(0, await Written(content));
        Assert.Equal("comments_revisions", await TablesWith(content));
    }

    [Theory]
    [InlineData("leaf")]
    [InlineData("tombstone")]
    [InlineData("subtree")]
    public async Task Of_a_deleted_comment_no_table_has_the_words_and_a_retry_neither_tells_nor_writes_them(string how)
    {
        var (ann, mod) = (await fixture.SignedIn($"author{Guid.NewGuid():n}"), await fixture.Moderator());
        var (key, content) = (NewKey(), $"words{Guid.NewGuid():n}");
        var root = (await mod.Begin()).Id();
        var body = new { content, parent_id = root };
        var comment = await (await Send(ann, key, body)).Json(HttpStatusCode.Created);
        Assert.Equal("comments_comments", await TablesWith(content));
        if (how == "tombstone")
            await mod.Reply(comment.Id());
        await (await mod.Delete(how == "subtree" ? $"/comments/{root}?subtree=true" : $"/comments/{comment.Id()}")).Json();

        var again = await Send(ann, key, body);

        Assert.Equal("", await TablesWith(content));
        Assert.True(IsReplay(again));
        var replay = await again.Json(HttpStatusCode.Created);
        Assert.Equal((comment.Id(), root), (replay.Id(), replay.GetProperty("parent_id").GetInt64()));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (replay.GetProperty("content").ValueKind, replay.GetProperty("author").ValueKind));
        Assert.True(replay.GetProperty("deleted").GetBoolean());
        Assert.Equal(comment.EnumerateObject().Select(property => property.Name), replay.EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task Answers_that_an_older_build_kept_lose_their_words_in_the_upgrade()
    {
        var ann = await fixture.SignedIn();
        var (key, content) = (NewKey(), $"old{Guid.NewGuid():n}");
        var first = await Send(ann, key, new { content });
        var comment = await first.Json(HttpStatusCode.Created);
        await fixture.Execute("update idempotency_keys set body = convert_to(@body, 'UTF8') where key = @key", new { body = await Body(first), key });
        Assert.Equal("comments_comments, idempotency_keys", await TablesWith(content));

        await fixture.Execute(fixture.Services.GetRequiredService<Migrations>().Scripts.Single(script => script.Name.StartsWith("0011", StringComparison.Ordinal)).Contents);

        Assert.Equal("comments_comments", await TablesWith(content));
        Assert.Equal(await Body(first), await Body(await Send(ann, key, new { content })));
        await (await ann.Delete($"/comments/{comment.Id()}")).Json();
        Assert.True((await (await Send(ann, key, new { content })).Json(HttpStatusCode.Created)).GetProperty("deleted").GetBoolean());
    }

    [Fact]
    public async Task Keys_of_more_than_24_hours_are_swept()
    {
        var ann = await fixture.SignedIn();
        var (old, young) = (NewKey(), NewKey());
        await (await Send(ann, old, new { content = "old" })).Json(HttpStatusCode.Created);
        await (await Send(ann, young, new { content = "young" })).Json(HttpStatusCode.Created);
        await fixture.Execute("update idempotency_keys set created_at = created_at - interval '24 hours 1 minute' where key = @old", new { old });

        Assert.True(await fixture.Services.GetRequiredService<ExpiredKeys>().Run(TestContext.Current.CancellationToken) >= 1);

        Assert.Equal(young, await fixture.Query<string>("select key from idempotency_keys where key in (@old, @young)", new { old, young }));
    }

    [Fact]
    public async Task The_same_key_with_another_request_is_422_and_writes_nothing()
    {
        var ann = await fixture.SignedIn();
        var (key, content, other) = (NewKey(), $"one {Guid.NewGuid()}", $"other {Guid.NewGuid()}");
        var root = (await ann.Begin()).Id();
        await (await Send(ann, key, new { content })).Json(HttpStatusCode.Created);

        await (await Send(ann, key, new { content = other })).Problem(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
        await (await Send(ann, key, new { content, topic = Conversation.NewTopic() })).Problem(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
        await (await Send(ann, key, new { content, parent_id = root })).Problem(HttpStatusCode.UnprocessableEntity, "idempotency_key_reused");
        Assert.Equal((1, 0), (await Written(content), await Written(other)));
    }

    [Fact]
    public async Task Keys_of_different_users_have_nothing_to_do_with_each_other()
    {
        var (ann, bob) = (await fixture.SignedIn(), await fixture.SignedIn());
        var (key, content) = (NewKey(), $"both {Guid.NewGuid()}");

        var (first, second) = (await Send(ann, key, new { content }), await Send(bob, key, new { content }));

        Assert.NotEqual((await first.Json(HttpStatusCode.Created)).Id(), (await second.Json(HttpStatusCode.Created)).Id());
        Assert.False(IsReplay(second));
    }

    [Fact]
    public async Task Of_many_at_once_one_writes()
    {
        var ann = await fixture.SignedIn();
        var (key, content) = (NewKey(), $"many {Guid.NewGuid()}");

        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Send(ann, key, new { content })));

        // Concurrent requests have waited for the first; on a slow machine not long enough, and then they are told to retry.
        var created = answers.Where(answer => answer.StatusCode != HttpStatusCode.Conflict).ToList();
        Assert.Single(created, answer => !IsReplay(answer));
        var ids = new HashSet<long>();
        foreach (var answer in created)
            ids.Add((await answer.Json(HttpStatusCode.Created)).Id());
        foreach (var answer in answers.Except(created))
            await answer.Problem(HttpStatusCode.Conflict, "request_in_flight");
        Assert.Single(ids);
        Assert.Equal(1, await Written(content));
    }

    [Fact]
    public async Task While_the_first_is_at_work_for_long_the_second_is_409_and_later_gets_its_answer()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var (key, body) = (NewKey(), new { content = "a reply", parent_id = root });
        await using var gate = await Gate.OfThread(fixture, root);

        var first = Send(ann, key, body);
        await gate.Blocked(fixture);
        await (await Send(ann, key, body)).Problem(HttpStatusCode.Conflict, "request_in_flight");
        await gate.Release();

        var comment = await (await first).Json(HttpStatusCode.Created);
        var replay = await Send(ann, key, body);
        Assert.True(IsReplay(replay));
        Assert.Equal(comment.Id(), (await replay.Json(HttpStatusCode.Created)).Id());
        Assert.Equal(1, (await ann.Read($"/comments/{root}")).Int("child_count"));
    }

    [Fact]
    public async Task An_answer_that_was_lost_after_the_commit_is_had_by_asking_again()
    {
        await using var service = fixture.Instance(host => host.ConfigureServices(services => services.AddSingleton<IStartupFilter>(new CutAnswers())));
        service.StartServer();
        var ann = service.CreateClient().With((await fixture.NewUser()).Token);
        var (key, content) = (NewKey(), $"lost {Guid.NewGuid()}");

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => Send(ann, key, new { content }, cut: true));
        Assert.Equal(1, await Written(content));
        var again = await Send(ann, key, new { content });

        Assert.True(IsReplay(again));
        Assert.Equal(content, (await ann.Read(again.Headers.Location!.ToString())).Text("content"));
        Assert.Equal(1, await Written(content));
    }

    [Fact]
    public async Task A_request_that_was_refused_leaves_its_key_free()
    {
        var ann = await fixture.SignedIn();
        var key = NewKey();

        await (await Send(ann, key, new { content = "a reply", parent_id = long.MaxValue })).Problem(HttpStatusCode.NotFound, "parent_not_found");
        var created = await Send(ann, key, new { content = "a root" });

        await created.Json(HttpStatusCode.Created);
        Assert.False(IsReplay(created));
    }

    [Fact]
    public async Task After_24_hours_a_key_is_new()
    {
        var (userId, _, token) = await fixture.NewUser();
        var ann = fixture.Client().With(token);
        var (key, content) = (NewKey(), $"daily {Guid.NewGuid()}");
        await (await Send(ann, key, new { content })).Json(HttpStatusCode.Created);

        await Age("23 hours 59 minutes");
        Assert.True(IsReplay(await Send(ann, key, new { content })));
        await Age("2 minutes");
        Assert.False(IsReplay(await Send(ann, key, new { content })));
        Assert.True(IsReplay(await Send(ann, key, new { content })));
        Assert.Equal(2, await Written(content));

        Task<int> Age(string by) => fixture.Execute(
            "update idempotency_keys set created_at = created_at - @by::interval where user_id = @userId", new { by, userId });
    }

    [Theory]
    [InlineData(255, true)]
    [InlineData(256, false)]
    [InlineData(0, false)]
    public async Task A_key_has_1_to_255_characters(int length, bool good)
    {
        var ann = await fixture.SignedIn();
        var answer = await Send(ann, new string('k', length), new { content = "a root" });
        if (good)
            await answer.Json(HttpStatusCode.Created);
        else
            await answer.Problem(HttpStatusCode.BadRequest, "validation_failed");
    }

    /// <summary>Cuts the connection when the answer, the work being done, is about to be sent.</summary>
    private sealed class CutAnswers : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                if (context.Request.Headers.ContainsKey(Cut))
                {
                    context.Response.OnStarting(() =>
                    {
                        context.Abort();
                        return Task.CompletedTask;
                    });
                }

                return rest(context);
            });
            next(app);
        };
    }
}
