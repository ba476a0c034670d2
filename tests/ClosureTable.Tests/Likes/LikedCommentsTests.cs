using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Dapper;
using Npgsql;

namespace ClosureTable.Tests.Likes;

public sealed class LikedCommentsTests(ServiceFixture fixture)
{
    /// <summary>A user and a client for it.</summary>
    private async Task<(long Id, HttpClient Client)> User()
    {
        var (id, _, token) = await fixture.NewUser();
        return (id, fixture.Client().With(token));
    }

    [Fact]
    public async Task The_newest_like_comes_first_at_any_age_of_the_comment()
    {
        var (id, ann) = await User();
        var root = (await ann.Begin()).Id();
        var reply = (await ann.Reply(root)).Id();
        var other = (await ann.Begin()).Id();
        foreach (var liked in new[] { other, root, reply })
            await (await ann.Put($"/comments/{liked}/like")).Json();

        var mine = await ann.Read("/users/me/likes");
        Assert.Equal([reply, root, other], mine.Comments().Ids());
        Assert.All(mine.Comments(), comment => Assert.True(comment.GetProperty("liked").GetBoolean()));
        Assert.All(mine.Comments(), comment => Assert.False(comment.TryGetProperty("children", out _)));

        var seenByOthers = await (await fixture.SignedIn()).Read($"/users/{id}/likes");
        Assert.Equal([reply, root, other], seenByOthers.Comments().Ids());
        Assert.All(seenByOthers.Comments(), comment => Assert.False(comment.GetProperty("liked").GetBoolean()));

        var seenByAnybody = await fixture.Client().Read($"/users/{id}/likes");
        Assert.All(seenByAnybody.Comments(), comment => Assert.False(comment.TryGetProperty("liked", out _)));
    }

    [Fact]
    public async Task Every_page_size_gives_each_like_once_even_where_times_are_equal()
    {
        var (id, ann) = await User();
        var root = (await ann.Begin()).Id();
        var liked = new List<long>();
        for (var count = 0; count < 7; count++)
        {
            liked.Add((await ann.Reply(root)).Id());
            await (await ann.Put($"/comments/{liked[^1]}/like")).Json();
        }

        await using (var connection = new NpgsqlConnection(fixture.ConnectionString))
            await connection.ExecuteAsync("update comments_likes set created_at = '2026-01-01' where user_id = @id", new { id });
        liked.Reverse();

        for (var limit = 1; limit <= 8; limit++)
            Assert.Equal(liked, (await ann.Walk($"/users/me/likes?limit={limit}")).Ids());
    }

    [Fact]
    public async Task A_walk_gives_each_like_once_while_the_user_goes_on_liking()
    {
        var (_, ann) = await User();
        var root = (await ann.Begin()).Id();
        var liked = new List<long>();
        for (var count = 0; count < 6; count++)
        {
            liked.Add((await ann.Reply(root)).Id());
            await (await ann.Put($"/comments/{liked[^1]}/like")).Json();
        }

        liked.Reverse();
        var walked = await ann.Walk("/users/me/likes?limit=2", between: async () =>
            await (await ann.Put($"/comments/{(await ann.Reply(root)).Id()}/like")).Json());

        Assert.Equal(liked, walked.Ids());
    }

    [Fact]
    public async Task Deleted_comments_are_left_out()
    {
        var (_, ann) = await User();
        var root = (await ann.Begin()).Id();
        var buried = (await ann.Reply(root)).Id();
        await ann.Reply(buried);
        var gone = (await ann.Reply(root)).Id();
        foreach (var liked in new[] { root, buried, gone })
            await (await ann.Put($"/comments/{liked}/like")).Json();
        await (await ann.Delete($"/comments/{buried}")).Json();
        await (await ann.Delete($"/comments/{gone}")).Json();

        Assert.Equal([root], (await ann.Walk("/users/me/likes?limit=1")).Ids());
    }

    [Fact]
    public async Task A_user_without_likes_has_an_empty_list_and_an_unknown_user_has_none()
    {
        var (id, ann) = await User();
        Assert.Empty((await ann.Read($"/users/{id}/likes")).Comments());
        await (await ann.Get($"/users/{long.MaxValue}/likes")).Problem(HttpStatusCode.NotFound, "user_not_found");
    }

    [Fact]
    public async Task A_cursor_opens_the_list_that_made_it_and_no_other()
    {
        var (id, ann) = await User();
        var (bobId, bob) = await User();
        var root = (await ann.Begin()).Id();
        foreach (var liked in new[] { root, (await ann.Reply(root)).Id() })
            await (await ann.Put($"/comments/{liked}/like")).Json();
        var cursor = (await ann.Read("/users/me/likes?limit=1")).Text("next_cursor");

        Assert.Single((await bob.Read($"/users/{id}/likes?cursor={cursor}")).Comments());
        await (await bob.Get($"/users/{bobId}/likes?cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
        await (await bob.Get($"/comments/{root}/children?cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
        await (await bob.Get($"/comments?cursor={cursor}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
        await (await bob.Get($"/users/{id}/likes?cursor={cursor[..^1]}{(cursor[^1] == 'A' ? 'B' : 'A')}")).Problem(HttpStatusCode.BadRequest, "invalid_cursor");
    }
}
