using System.Net;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands.Transfer;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using ClosureTable.Tests.Threads;

namespace ClosureTable.Tests.Transfer;

/// <summary>From one database to another: what arrives is what left.</summary>
public sealed class RoundTripTests(ServiceFixture from, OwnServiceFixture to) : IClassFixture<OwnServiceFixture>
{
    /// <summary>A thread with all that a thread can have.</summary>
    private async Task<(string Topic, long Root)> Converse()
    {
        var topic = Conversation.NewTopic();
        var (ann, bob, mod) = (await from.SignedIn("Ann"), await from.SignedIn("Bob ✓"), await from.Moderator());
        var root = (await ann.Begin("the \"first\"\nwords \\ 😀", topic)).Id();
        var early = (await bob.Reply(root, "early")).Id();
        var late = (await ann.Reply(root, "late")).Id();
        var below = (await bob.Reply(late, "below")).Id();
        // Its id is smaller than its parent's now.
        await (await mod.Put($"/comments/{early}/parent", new { parent_id = below })).Json();
        await (await ann.Patch($"/comments/{late}", new { content = "later" })).Json();
        await (await mod.Patch($"/comments/{late}", new { content = "latest" })).Json();
        await (await bob.Put($"/comments/{late}/like")).Json();
        await (await ann.Put($"/comments/{root}/like")).Json();
        await (await bob.Put($"/comments/{root}/like")).Json();
        await (await bob.Delete($"/comments/{below}")).Json();
        await (await ann.Delete($"/comments/{(await ann.Reply(root, "gone")).Id()}")).Json();
        return (topic, root);
    }

    /// <summary>The records with names that both sides share: users by address, comments by their place in the file.</summary>
    private static List<TransferRecord> Comparable(string file)
    {
        var records = Transfers.Read(file).ToList();
        var users = records.OfType<TransferUser>().ToDictionary(user => user.Id, user => $"{user.Email} {user.Name}");
        var comments = records.OfType<TransferComment>().Select((comment, index) => (comment.Id, index)).ToDictionary(pair => pair.Id, pair => $"{pair.index}");
        return [.. records.OfType<TransferComment>().Select(comment => comment with
        {
            Id = comments[comment.Id],
            Parent = comment.Parent is null ? null : comments[comment.Parent],
            Author = comment.Author is null ? null : users[comment.Author],
            Likes = null,
            Revisions = null,
            // Lists compare by reference.
            Content = string.Join('|', [
                comment.Content ?? "(none)",
                .. (comment.Likes ?? []).Select(like => $"{users[like.User]} {like.At:O}"),
                .. (comment.Revisions ?? []).Select(revision => $"{revision.Content} {revision.WrittenAt:O} {users[revision.Editor!]}")]),
        })];
    }

    [Fact]
    public async Task What_is_exported_imported_and_exported_again_is_the_same()
    {
        var (topic, root) = await Converse();
        var file = await from.Export(topic);
        var report = await to.Import(file);
        Assert.Equal((4, 1, 3, 0), (report.Comments, report.Tombstones, report.Likes, report.Refused));
        Assert.Empty(await to.Violations());

        var again = await to.Export(topic);
        Assert.Equal(Comparable(file), Comparable(again));
        Assert.Equal(4, Comparable(again).Count);

        // And so do those who read it over HTTP.
        var original = await from.Client().Read($"/comments/{root}");
        var copies = (await to.Client().Read($"/comments?topic={topic}")).Comments();
        var copy = await to.Client().Read($"/comments/{Assert.Single(copies).Id()}");
        string[] same = ["content", "created_at", "edited_at", "deleted", "depth", "like_count", "child_count", "descendant_count", "topic"];
        Assert.Equal(
            original.Flatten().Select(comment => string.Join('|', same.Select(name => comment.GetProperty(name).ToString()))),
            copy.Flatten().Select(comment => string.Join('|', same.Select(name => comment.GetProperty(name).ToString()))));
    }

    [Fact]
    public async Task Imported_twice_a_file_is_there_once()
    {
        var (topic, _) = await Converse();
        var file = await from.Export(topic);
        await to.Import(file);
        var report = await to.Import(file);
        Assert.Equal((0, 4, 0), (report.Comments, report.Known, report.Refused));
        Assert.Single((await to.Client().Read($"/comments?topic={topic}")).Comments());
    }

    [Fact]
    public async Task Into_the_database_that_it_came_from_an_export_brings_back_only_what_was_deleted()
    {
        var (topic, root) = await Converse();
        var file = await from.Export(topic);
        Assert.Equal((0, 4), await from.Import(file) is var nothing ? (nothing.Comments, nothing.Known) : default);

        await (await (await from.Moderator()).Delete($"/comments/{root}?subtree=true")).Json();
        var report = await from.Import(file);
        Assert.Equal((4, 0), (report.Comments, report.Known));
        var restored = Assert.Single((await from.Client().Read($"/comments?topic={topic}")).Comments()).Id();
        Assert.NotEqual(root, restored);
        Assert.Empty(await from.Violations(restored));
        Assert.Equal(4, (await from.Import(file)).Known);
    }

    [Fact]
    public async Task An_account_with_the_address_is_the_author_and_placeholders_cannot_sign_in()
    {
        var (topic, root) = await Converse();
        var email = await from.Query<string>("select u.email from comments_comments c join auth_users u on u.id = c.author_id where c.id = @root", new { root });
        var account = await to.Query<long>("insert into auth_users (email, name, password_hash) values (upper(@email), 'Ann here', '') returning id", new { email });
        var report = await to.Import(await from.Export(topic));
        Assert.Equal(2, report.Placeholders);

        var copy = Assert.Single((await to.Client().Read($"/comments?topic={topic}")).Comments());
        Assert.Equal(account, copy.GetProperty("author").Id());
        var placeholder = await to.Query<string>(
            "select u.email from comments_comments c join auth_users u on u.id = c.author_id where c.content = 'early' and c.root_id = @id", new { id = copy.Id() });
        await (await to.Client().Post("/auth/login", new { email = placeholder, password = "anything at all" })).Problem(HttpStatusCode.Unauthorized, "invalid_credentials");
        // The address can still be registered by its owner.
        await (await to.Client().Post("/auth/register", new { email = placeholder, password = "anything at all", name = "Bob" })).Json(HttpStatusCode.Created);
    }

    [Fact]
    public async Task The_commands_write_a_file_for_its_owner_alone_and_read_it()
    {
        var (topic, _) = await Converse();
        var directory = Directory.CreateTempSubdirectory("closuretable-");
        try
        {
            var file = Path.Combine(directory.FullName, "export.ndjson");
            var export = await Cli.Run(from.ConnectionString, ["export", "--topic", topic, "--output", file]);
            Assert.True(export.ExitCode == 0, export.Error);
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            Assert.Equal(1, (await Cli.Run(from.ConnectionString, ["export", "--topic", topic, "--output", file])).ExitCode);

            var dry = await Cli.Run(to.ConnectionString, ["import", file, "--dry-run"]);
            Assert.Contains("Would import 4 comments, 1 of them tombstones, with 3 likes", dry.Output, StringComparison.Ordinal);
            Assert.Empty((await to.Client().Read($"/comments?topic={topic}")).Comments());
            var import = await Cli.Run(to.ConnectionString, ["import", file]);
            Assert.Equal(0, import.ExitCode);
            Assert.Contains("Imported 4 comments, 1 of them tombstones, with 3 likes; 0 were imported before.", import.Output, StringComparison.Ordinal);
            Assert.Single((await to.Client().Read($"/comments?topic={topic}")).Comments());

            var missing = await Cli.Run(to.ConnectionString, ["import", file + ".not"]);
            Assert.Equal(1, missing.ExitCode);
            Assert.Contains(file + ".not", missing.Error, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", missing.Error, StringComparison.Ordinal);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
