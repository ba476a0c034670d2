using System.Collections.Concurrent;
using System.Net;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Comments;

public sealed class ETagTests(ServiceFixture fixture)
{
    private static async Task<string> Tag(HttpClient client, string path)
    {
        using var answer = await client.Get(path);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(answer.Headers.ETag!.IsWeak);
        Assert.Equal("private, no-cache", answer.Headers.CacheControl?.ToString() is { } control ? string.Join(", ", control.Split(", ").OrderDescending()) : null);
        return answer.Headers.ETag.ToString();
    }

    private static async Task<HttpStatusCode> IfNoneMatch(HttpClient client, string path, string tags)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("If-None-Match", tags);
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        if (answer.StatusCode == HttpStatusCode.NotModified)
        {
            Assert.NotNull(answer.Headers.ETag);
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }

        return answer.StatusCode;
    }

    /// <summary>The reads of a thread, one of each kind.</summary>
    private static string[] Reads(long root, long reply) =>
        [$"/comments/{root}", $"/comments/{root}?depth=1", $"/comments/{reply}", $"/comments/{root}/children", $"/comments/{reply}/ancestors"];

    [Fact]
    public async Task Every_change_of_a_thread_changes_the_tag_of_every_read_of_it()
    {
        var (ann, mod) = (await fixture.SignedIn(), await fixture.Moderator());
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        var (other, moved, leaf) = ((await ann.Reply(root)).Id(), (await ann.Reply(root)).Id(), (await ann.Reply(reply)).Id());
        var elsewhere = (await ann.Begin()).Id();
        var changes = new (string Name, Func<Task<HttpResponseMessage>> Change)[]
        {
            ("reply", () => ann.Post("/comments", new { content = "a reply", parent_id = root })),
            ("edit", () => ann.Patch($"/comments/{other}", new { content = "edited" })),
            ("like", () => ann.Put($"/comments/{other}/like")),
            ("unlike", () => ann.Delete($"/comments/{other}/like")),
            ("move within", () => mod.Put($"/comments/{moved}/parent", new { parent_id = other })),
            ("move away", () => mod.Put($"/comments/{moved}/parent", new { parent_id = elsewhere })),
            ("move in", () => mod.Put($"/comments/{moved}/parent", new { parent_id = root })),
            ("tombstone", () => ann.Delete($"/comments/{reply}")),
            ("deletion", () => ann.Delete($"/comments/{moved}")),
        };

        foreach (var reader in new[] { ann, fixture.Client() })
        {
            foreach (var path in Reads(root, reply))
                Assert.Equal(HttpStatusCode.NotModified, await IfNoneMatch(reader, path, await Tag(reader, path)));
        }

        foreach (var (name, change) in changes)
        {
            var tags = new Dictionary<(HttpClient, string), string>();
            foreach (var reader in new[] { ann, fixture.Client() })
            {
                foreach (var path in Reads(root, reply))
                    tags.Add((reader, path), await Tag(reader, path));
            }

            Assert.True((await change()).IsSuccessStatusCode, name);
            foreach (var ((reader, path), tag) in tags)
                Assert.True(await IfNoneMatch(reader, path, tag) == HttpStatusCode.OK, $"{path} after the {name}");
        }

        // The one with a reply left a tombstone and the other one nothing: two kinds of deletion were seen.
        var left = (await ann.Read($"/comments/{root}")).Flatten().ToList();
        Assert.Equal([reply], left.Where(comment => comment.GetProperty("deleted").GetBoolean()).Ids());
        Assert.Contains(leaf, left.Ids());
        Assert.DoesNotContain(moved, left.Ids());
    }

    /// <summary>A strong tag promises the same bytes, and the cursors of a walk by likes hold the moment of the read.</summary>
    [Fact]
    public async Task One_tag_is_of_the_same_bytes_also_by_likes_and_what_was_read_before_is_still_right()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        for (var i = 0; i < 3; i++)
            await ann.Reply(root);
        foreach (var reader in new[] { ann, fixture.Client() })
        {
            foreach (var path in new[] { $"/comments/{root}?sort=top&children=1", $"/comments/{root}/children?sort=top&limit=1" })
            {
                var bodies = new Dictionary<string, string>();
                for (var i = 0; i < 3; i++)
                {
                    using var answer = await reader.Get(path);
                    var (tag, body) = ($"{answer.Headers.ETag}", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
                    Assert.False(answer.Headers.ETag!.IsWeak);
                    Assert.Equal(bodies.GetValueOrDefault(tag, body), body);
                    bodies[tag] = body;
                    // Elsewhere: this thread stays as it is, and the database is in another moment.
                    await ann.Begin();
                }

                foreach (var tag in bodies.Keys)
                    Assert.Equal(HttpStatusCode.NotModified, await IfNoneMatch(reader, path, tag));
                await ann.Reply(root);
                Assert.Equal(HttpStatusCode.OK, await IfNoneMatch(reader, path, string.Join(", ", bodies.Keys)));
            }
        }
    }

    [Fact]
    public async Task What_happens_in_another_thread_changes_nothing()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var (root, other) = ((await ann.Begin("one", topic)).Id(), (await ann.Begin("other", topic)).Id());
        var tag = await Tag(ann, $"/comments/{root}");

        await ann.Reply(other);
        await (await ann.Delete($"/comments/{other}/like")).Json();
        await (await ann.Delete($"/comments/{root}/like")).Json();

        Assert.Equal(HttpStatusCode.NotModified, await IfNoneMatch(ann, $"/comments/{root}", tag));
    }

    [Fact]
    public async Task The_tag_stands_for_what_was_asked_and_by_whom()
    {
        var (ann, bob) = (await fixture.SignedIn(), await fixture.SignedIn());
        var root = (await ann.Begin()).Id();
        await ann.Reply(root);
        string[] paths =
        [
            $"/comments/{root}", $"/comments/{root}?sort=new", $"/comments/{root}?depth=0", $"/comments/{root}?children=1", $"/comments/{root}?limit=1",
            $"/comments/{root}/children", $"/comments/{root}/children?depth=0", $"/comments/{root}/children?limit=1", $"/comments/{root}/ancestors",
        ];

        var tags = new List<string>();
        foreach (var reader in new[] { ann, bob, fixture.Client() })
        {
            foreach (var path in paths)
                tags.Add(await Tag(reader, path));
        }

        Assert.Equal(tags.Count, tags.Distinct().Count());
        Assert.Equal(await Tag(fixture.Client(), paths[0]), await Tag(fixture.Client(), $"{paths[0]}?sort=old"));
        Assert.Equal(HttpStatusCode.OK, await IfNoneMatch(bob, paths[0], tags[0]));
    }

    [Fact]
    public async Task If_None_Match_takes_lists_weak_tags_and_anything_and_passes_over_what_is_no_tag()
    {
        var reader = fixture.Client();
        var path = $"/comments/{(await (await fixture.SignedIn()).Begin()).Id()}";
        var tag = await Tag(reader, path);

        Assert.Equal(HttpStatusCode.NotModified, await IfNoneMatch(reader, path, $"\"other\", {tag}"));
        Assert.Equal(HttpStatusCode.NotModified, await IfNoneMatch(reader, path, $"W/{tag}"));
        Assert.Equal(HttpStatusCode.NotModified, await IfNoneMatch(reader, path, "*"));
        Assert.Equal(HttpStatusCode.OK, await IfNoneMatch(reader, path, tag.Trim('"')));
        Assert.Equal(HttpStatusCode.OK, await IfNoneMatch(reader, path, "\"unbalanced"));
        Assert.Equal(HttpStatusCode.OK, await IfNoneMatch(reader, path, "W/\"other\""));
    }

    [Fact]
    public async Task One_tag_never_names_two_answers_while_others_write()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        var answers = new ConcurrentDictionary<(string Tag, int Reader), string>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var readers = Reads(root, reply).Select(async (path, reader) =>
        {
            var client = fixture.Client();
            while (!stop.IsCancellationRequested)
            {
                using var answer = await client.Get(path);
                var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                Assert.Equal(body, answers.GetOrAdd((answer.Headers.ETag!.ToString(), reader), body));
            }
        }).ToList();
        for (var count = 0; count < 40; count++)
        {
            await ann.Reply(root);
            await (await ann.Patch($"/comments/{root}", new { content = $"edit {count}" })).Json();
        }

        await stop.CancelAsync();
        await Task.WhenAll(readers);
        Assert.True(answers.Count > Reads(root, reply).Length, "The readers saw nothing change.");
    }
}
