using System.Text.Json;
using ClosureTable.Api.Commands.Integrity;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using CsCheck;

namespace ClosureTable.Tests.Threads;

/// <summary>
/// For any tree and any part of it, an answer has no more comments than its limit and costs no more
/// statements than four, and who follows every cursor has seen each comment once, in the order of the sort.
/// </summary>
public sealed class BoundedReadTests(ServiceFixture fixture)
{
    private const int MostStatements = 4;

    private static readonly string[] Sorts = ["old", "new", "top"];

    /// <summary>A random tree: the parent of each comment among those before, its age among few (so that ages are equal), its likes.</summary>
    private static readonly Gen<Sketch[]> Sketches =
        Gen.Select(Gen.Double[0, 1], Gen.Int[0, 3], Gen.Int[0, 4], (parent, age, likes) => new Sketch(parent, age, likes)).Array[1, 60];

    /// <summary>What is asked for; null leaves the parameter out.</summary>
    private static readonly Gen<Question> Questions = Gen.Select(
        Gen.Int[0, 2].Select(index => Sorts[index]), Gen.Int[1, 25], Gen.Int[-1, 4], Gen.Int[-1, 4], Gen.Int[1, 12],
        (sort, limit, depth, children, page) => new Question(sort, limit, depth < 0 ? null : depth, children < 0 ? null : children, page));

    private sealed record Sketch(double Parent, int Age, int Likes);

    private sealed record Question(string Sort, int Limit, int? Depth, int? Children, int Page)
    {
        public string Tree(long id) => $"/comments/{id}?sort={Sort}&limit={Limit}{Shape}";

        /// <summary>Without the sort, which the cursor knows.</summary>
        public string Replies(long id, string cursor) => $"/comments/{id}/children?limit={Page}{Shape}&cursor={Uri.EscapeDataString(cursor)}";

        private string Shape => $"{(Depth is null ? "" : $"&depth={Depth}")}{(Children is null ? "" : $"&children={Children}")}";
    }

    [Fact]
    public Task Following_every_cursor_finds_every_comment_once_and_in_order_within_the_limits() =>
        Gen.Select(Sketches, Questions.Array[5]).SampleAsync(async (sketches, questions) =>
        {
            var (root, model) = await Plant(sketches);
            foreach (var question in questions)
            {
                var walk = await new Walk(fixture, question).From(root);
                Assert.Equal(model.Ids.Order(), walk.Seen.Order());
                foreach (var id in model.Ids)
                    Assert.Equal(model.Replies(id, question.Sort), walk.Replies(id));
            }
        }, iter: Iterations(10), threads: 1);

    [Fact]
    public Task Every_comment_that_was_there_is_found_once_while_others_write_and_like() =>
        Gen.Select(Sketches.Where(sketches => sketches.Length > 10), Questions, Gen.Int[0, int.MaxValue]).SampleAsync(async (sketches, question, seed) =>
        {
            var (root, model) = await Plant(sketches);
            var writers = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => fixture.SignedIn()));
            var there = model.Ids.ToArray();
            var random = new Random(seed);

            // Between any two pages of the walk something is liked, no longer liked or replied to.
            var walk = await new Walk(fixture, question).From(root, between: async () =>
            {
                foreach (var writer in writers)
                {
                    var id = there[random.Next(there.Length)];
                    await (random.Next(3) switch
                    {
                        0 => writer.Post("/comments", new { content = "written meanwhile", parent_id = id }),
                        1 => writer.Put($"/comments/{id}/like"),
                        _ => writer.Delete($"/comments/{id}/like"),
                    });
                }
            });

            Assert.Equal(walk.Seen.Distinct().Count(), walk.Seen.Count);
            Assert.Empty(there.Except(walk.Seen));
            Assert.Empty(await fixture.Violations(root));
        }, iter: Iterations(8), threads: 1);

    [Fact]
    public async Task The_roots_of_a_topic_are_found_once_and_in_order_each_with_its_first_replies()
    {
        var topic = Conversation.NewTopic();
        var random = new Random(7);
        var model = new ThreadModel();
        for (var thread = 0; thread < 30; thread++)
            await Plant([.. Enumerable.Range(0, 1 + random.Next(6)).Select(_ => new Sketch(random.NextDouble(), random.Next(3), random.Next(3)))], topic, model);
        using var statements = new Statements();
        var client = fixture.Client();

        foreach (var sort in Sorts)
        {
            var (seen, cursor) = (new List<long>(), (string?)null);
            do
            {
                var (page, sql) = await statements.Of(() => client.Read(
                    $"/comments?topic={topic}&sort={sort}&limit=4&children=2&depth=2{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}"));
                Assert.InRange(sql.Length, 1, MostStatements);
                foreach (var root in page.Comments())
                {
                    seen.Add(root.Id());
                    Assert.Equal(model.Replies(root.Id(), sort).Take(2), root.Children().Ids());
                }

                cursor = page.GetProperty("next_cursor").GetString();
            }
            while (cursor is not null);

            var roots = sort switch
            {
                "old" => model.Roots.OrderBy(root => root.CreatedAt).ThenBy(root => root.Id),
                "new" => model.Roots.OrderByDescending(root => root.CreatedAt).ThenByDescending(root => root.Id),
                _ => model.Roots.OrderByDescending(root => root.Likes).ThenByDescending(root => root.Id),
            };
            Assert.Equal(roots.Select(root => root.Id), seen);
        }
    }

    private static int Iterations(int few) =>
        int.TryParse(Environment.GetEnvironmentVariable("STORM_SECONDS"), out var seconds) ? few * Math.Max(1, seconds / 10) : few;

    /// <summary>Writes a tree as it was sketched: the comments by hand, and <c>repair</c> makes the closure and the counts.</summary>
    private async Task<(long Root, ThreadModel Model)> Plant(Sketch[] sketches, string? topic = null, ThreadModel? model = null)
    {
        model ??= new ThreadModel();
        var ids = await fixture.Rows<long>("select nextval('comments_comments_id_seq') from generate_series(1, @Length)", new { sketches.Length });
        var start = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        var likers = await Task.WhenAll(Enumerable.Range(0, sketches.Max(sketch => sketch.Likes)).Select(async _ => (await fixture.NewUser()).Id));
        for (var index = 0; index < ids.Count; index++)
        {
            long? parent = index == 0 ? null : ids[(int)(sketches[index].Parent * (index - 1))];
            model.Create(ids[index], parent, $"comment {index}", start.AddSeconds(sketches[index].Age), sketches[index].Likes);
        }

        await fixture.Execute("""
            insert into comments_comments (id, parent_id, root_id, depth, content, created_at)
            select id, parent_id, @root, case when parent_id is null then 0 else 1 end, content, created_at
            from unnest(@ids, @parents, @contents, @ages) as sketch (id, parent_id, content, created_at);

            insert into comments_threads (root_id, topic, version, created_at, last_activity_at)
            select id, @topic, 1, created_at, created_at
            from comments_comments
            where id = @root;

            insert into comments_likes (comment_id, user_id)
            select sketch.id, liker.id
            from unnest(@ids, @likes) as sketch (id, likes)
            join unnest(@likers) with ordinality as liker (id, number) on liker.number <= sketch.likes;
            """,
            new
            {
                root = ids[0],
                topic,
                ids = ids.ToArray(),
                likers,
                parents = ids.Select(id => model[id].ParentId).ToArray(),
                contents = ids.Select(id => model[id].Content).ToArray(),
                ages = ids.Select(id => model[id].CreatedAt).ToArray(),
                likes = ids.Select(id => model[id].Likes).ToArray(),
            });
        await new Repair(fixture.Source()).Run(ids[0], _ => { }, violation => Assert.Fail($"{violation}"), TestContext.Current.CancellationToken);
        return (ids[0], model);
    }

    /// <summary>A client who reads a tree, then everything that any answer says was left out.</summary>
    private sealed class Walk(ServiceFixture fixture, Question question) : IDisposable
    {
        private readonly HttpClient client = fixture.Client();
        private readonly Statements statements = new();
        private readonly Dictionary<long, List<long>> replies = [];
        private readonly Queue<(long Id, string Cursor)> left = [];

        public List<long> Seen { get; } = [];

        public IReadOnlyList<long> Replies(long id) => replies.GetValueOrDefault(id) ?? [];

        public async Task<Walk> From(long root, Func<Task>? between = null)
        {
            var quiet = between is null;
            var tree = await Ask(question.Tree(root));
            var shown = tree.Flatten().ToList();
            Assert.InRange(shown.Count, 1, question.Limit);
            Note([tree], quiet);
            while (left.TryDequeue(out var more))
            {
                if (between is not null)
                    await between();
                var page = await Ask(question.Replies(more.Id, more.Cursor));
                Assert.InRange(page.Comments().Sum(comment => comment.Flatten().Count()), quiet ? 1 : 0, question.Page);
                replies.TryAdd(more.Id, []);
                replies[more.Id].AddRange(page.Comments().Ids());
                Note(page.Comments(), quiet);
                if (page.GetProperty("next_cursor").GetString() is { } next)
                    left.Enqueue((more.Id, next));
            }

            Dispose();
            return this;
        }

        private async Task<JsonElement> Ask(string path)
        {
            var (answer, sql) = await statements.Of(() => client.Read(path));
            Assert.True(sql.Length is >= 1 and <= MostStatements, $"{sql.Length} statements for {path}:\n{string.Join("\n\n", sql)}");
            return answer;
        }

        private void Note(IEnumerable<JsonElement> tops, bool quiet)
        {
            foreach (var comment in tops.SelectMany(top => top.Flatten()))
            {
                Seen.Add(comment.Id());
                if (comment.Children() is { Count: > 0 } children)
                    replies.Add(comment.Id(), [.. children.Ids()]);
                var missing = comment.Int("child_count") - comment.Children().Count;
                Assert.Equal(missing > 0, comment.TryGetProperty("more", out var more));
                if (missing > 0)
                {
                    Assert.Equal(missing, more.Int("count"));
                    left.Enqueue((comment.Id(), more.Text("cursor")));
                }
            }

            Assert.True(quiet || Seen.Count > 0);
        }

        public void Dispose()
        {
            statements.Dispose();
            client.Dispose();
        }
    }
}
