using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;

namespace ClosureTable.Tests.Comments;

/// <summary>
/// How much of each request is the database's: a statement that slips in is a fifth of the rate that goes. Beginning and ending
/// a transaction are not counted.
/// </summary>
public sealed class StatementCountTests(ServiceFixture fixture)
{
    [Fact]
    public async Task A_read_is_as_many_statements_as_it_must_be()
    {
        var ann = await fixture.SignedIn();
        var topic = Conversation.NewTopic();
        var root = (await ann.Begin(topic: topic)).Id();
        var reply = (await ann.Reply(root)).Id();
        await ann.Reply(reply);

        await Costs(ann, 1, $"/comments/{root}", "a whole thread");
        // That it is no root is found out by the first.
        await Costs(ann, 2, $"/comments/{reply}", "a subtree");
        await Costs(ann, 1, $"/comments/{root}?depth=1&children=2", "the first part of a tree");
        await Costs(ann, 2, $"/comments/{root}?depth=1&children=2&sort=top", "the same by likes, with the snapshot that the cursors carry");
        await Costs(ann, 2, $"/comments?topic={topic}&depth=1&children=3", "a first page");
        await Costs(ann, 3, $"/comments/{root}/children", "a page of replies");
        await Costs(ann, 3, $"/comments/{reply}/ancestors", "a breadcrumb");
        await Costs(ann, 1, $"/topics/counts?topic={topic}", "counts");
    }

    [Fact]
    public async Task An_answer_that_the_client_has_costs_one_statement()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        using var whole = await ann.Get($"/comments/{root}");
        ann.DefaultRequestHeaders.IfNoneMatch.Add(whole.Headers.ETag!);
        await Costs(ann, 1, $"/comments/{root}", "a thread that did not change");
    }

    [Fact]
    public async Task A_write_is_as_many_statements_as_it_must_be()
    {
        var ann = await fixture.SignedIn();
        var root = (await ann.Begin()).Id();
        using var statements = new Statements();

        var (_, reply) = await statements.Of(() => ann.Post("/comments", new { content = "a reply", parent_id = root }));
        // Lock and look; the comment, its own row, the article's rows, the ancestors' counts, version and event, the comment as it is now.
        Assert.Equal(8, reply.Length);

        var (_, like) = await statements.Of(() => ann.Put($"/comments/{root}/like"));
        Assert.Equal(3, like.Length);
    }

    private static async Task Costs(HttpClient client, int expected, string path, string what)
    {
        using var statements = new Statements();
        var (answer, sql) = await statements.Of(() => client.Get(path));
        Assert.True((int)answer.StatusCode < 400, $"{what}: {answer.StatusCode}");
        Assert.True(sql.Length == expected, $"{what}: {sql.Length} statements instead of {expected}:\n{string.Join("\n--\n", sql)}");
    }
}
