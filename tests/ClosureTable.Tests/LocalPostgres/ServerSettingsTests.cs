using System.Runtime.Versioning;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Data;
using ClosureTable.LocalPostgres;
using Npgsql;
using static ClosureTable.Tests.LocalPostgres.TemporaryDirectory;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>How the server is set up, and what it says when it cannot be.</summary>
[UnsupportedOSPlatform("windows")]
[Trait("Category", "Slow")]
public sealed class ServerSettingsTests
{
    [Fact]
    public async Task It_is_durable_unless_told_otherwise()
    {
        using var directory = new TemporaryDirectory();
        await using (var server = await directory.Start(new() { DataDirectory = directory.Path }))
            Assert.Equal("on on on", await Query<string>(server.ConnectionString, Durability));
        await using (var server = await directory.Start(new() { DataDirectory = directory.Path, Durable = false }))
            Assert.Equal("off off off", await Query<string>(server.ConnectionString, Durability));
    }

    private const string Durability = "select concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes'))";

    [Fact]
    public async Task Further_settings_reach_the_server()
    {
        using var directory = new TemporaryDirectory();
        var settings = new Dictionary<string, string> { ["work_mem"] = "7MB", ["application_name"] = "it's mine" };
        await using var server = await directory.Start(directory.Options with { Settings = settings, Database = "odd \"name\"" });
        Assert.Equal("7MB it's mine odd \"name\"", await Query<string>(server.ConnectionString,
            "select concat_ws(' ', current_setting('work_mem'), current_setting('application_name'), current_database())"));
    }

    [Fact]
    public async Task It_speaks_UTF_8_compares_bytes_and_knows_letters()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await directory.Start();
        Assert.Equal("UTF8 C äpfel", await Query<string>(server.ConnectionString, """
            select concat_ws(' ', current_setting('server_encoding'), datcollate, lower('ÄPFEL'))
            from pg_database
            where datname = current_database()
            """));
    }

    [Fact]
    public async Task It_listens_on_a_socket_in_a_directory_that_only_its_user_can_enter()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await directory.Start();
        Assert.Equal("", await Query<string>(server.ConnectionString, "select current_setting('listen_addresses')"));
        AssertPrivate(new NpgsqlConnectionStringBuilder(server.ConnectionString).Host!);
    }

    [Theory]
    [InlineData("with spaces, a comma and an 'apostrophe'")]
    [InlineData("long-enough-that-a-socket-in-it-would-have-a-path-that-the-operating-system-no-longer-takes-for-one")]
    public async Task Any_data_directory_will_do(string name)
    {
        using var directory = new TemporaryDirectory(name);
        await using var server = await directory.Start();
        var sockets = new NpgsqlConnectionStringBuilder(server.ConnectionString).Host!;
        Assert.DoesNotContain(name, sockets, StringComparison.Ordinal);
        AssertPrivate(sockets);
        await server.DisposeAsync();
        Directory.Delete(sockets);
    }

    private static void AssertPrivate(string directory) =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));

    [Fact]
    public async Task Without_sockets_it_takes_a_loopback_port_and_a_password()
    {
        using var directory = new TemporaryDirectory();
        var options = directory.Options with { UnixSocket = false };
        await using var server = await directory.Start(options);
        await using var second = await directory.Start(options);
        Assert.False(second.Started);
        Assert.Equal("127.0.0.1/32", await Query<string>(second.ConnectionString, "select inet_server_addr()::text"));

        var guess = new NpgsqlConnectionStringBuilder(server.ConnectionString) { Password = "guess" }.ConnectionString;
        var refused = await Assert.ThrowsAsync<PostgresException>(() => Query<int>(guess, "select 1"));
        Assert.Equal(PostgresErrorCodes.InvalidPassword, refused.SqlState);
    }

    [Fact]
    public async Task A_server_that_does_not_start_says_why()
    {
        using var directory = new TemporaryDirectory();
        var settings = new Dictionary<string, string> { ["no_such_setting"] = "1" };
        var error = await Assert.ThrowsAsync<PostgresStartException>(() => directory.Start(directory.Options with { Settings = settings }));
        Assert.Contains("no_such_setting", error.Message, StringComparison.Ordinal);

        await using var mended = await directory.Start();
        Assert.True(mended.Started);
    }

    [Fact]
    public async Task A_directory_that_the_server_cannot_use_is_named_with_the_setting_to_change()
    {
        using var directory = new TemporaryDirectory();
        var closed = Path.Combine(directory.Path, "closed");
        Directory.CreateDirectory(closed);
        // Others may not enter, so root's server, which runs as another user, cannot. No user may write, so the service of an ordinary user cannot either.
        File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserExecute);

        var error = await Assert.ThrowsAsync<PostgresStartException>(() => directory.Start(directory.Options with { DataDirectory = Path.Combine(closed, "postgres") }));
        Assert.Contains(closed, error.Message, StringComparison.Ordinal);
        Assert.Contains("LocalPostgres__DataDirectory", error.Message, StringComparison.Ordinal);
    }
}
