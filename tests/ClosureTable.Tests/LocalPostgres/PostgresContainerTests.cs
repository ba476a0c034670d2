using CliWrap;
using CliWrap.Buffered;
using ClosureTable.Api.Accounts;
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using static ClosureTable.Tests.LocalPostgres.TemporaryDirectory;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>
/// The way out on a machine without PostgreSQL. Where a Docker engine has the image of <c>TEST_POSTGRES_IMAGE</c> this is the real thing.
/// Elsewhere a script stands in for the docker command, which keeps a container's state and leads to a PostgreSQL of this machine: that
/// proves which commands are given and what is made of the answers, and leaves Docker's own behaviour to be believed.
/// </summary>
[Trait("Category", "Slow")]
public sealed class PostgresContainerTests : IAsyncLifetime
{
    private static readonly string Image = Environment.GetEnvironmentVariable("TEST_POSTGRES_IMAGE") ?? "postgres:15-alpine";

    private readonly TemporaryDirectory _directory = new();
    private readonly TemporaryDirectory _standIn = new();
    private LocalServer? _behindStandIn;
    private LocalPostgresOptions _options = null!;

    private PostgresContainer Container => new(ServerDirectory.Open(_directory.Path), _options, NullLogger.Instance);

    public async ValueTask InitializeAsync()
    {
        _options = _directory.Options with { SearchDirectories = [], DockerImage = Image };
        if (await EngineHasImage()) return;

        _behindStandIn = await _standIn.Start(_standIn.Options with { UnixSocket = false });
        var server = new NpgsqlConnectionStringBuilder(_behindStandIn.ConnectionString);
        var docker = Path.Combine(_standIn.Path, "docker");
        await WriteScript(docker, $"""
            cd '{_standIn.Path}'
            case $1 in
              version) echo 28.0.0 ;;
              run) test "$POSTGRES_PASSWORD" = '{server.Password}' && touch running ;;
              inspect) test -f running && echo true ;;
              port) echo '127.0.0.1:{server.Port}' ;;
              stop) test -f running && rm running ;;
              rm) test ! -f running ;;
              *) exit 125 ;;
            esac
            """);
        Directory.CreateDirectory(_directory.Path);
        File.Copy(Path.Combine(_standIn.Path, "password"), Path.Combine(_directory.Path, "password"));
        _options = _options with { Docker = docker };
    }

    public async ValueTask DisposeAsync()
    {
        if (_behindStandIn is not null) await _behindStandIn.DisposeAsync();
        else await Docker($"rm --force {Container.Name}; docker volume rm --force {Container.Name}");
        _standIn.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task Without_binaries_a_container_is_started_adopted_and_stopped_by_its_last_user()
    {
        var first = await _directory.Start(_options);
        Assert.True(first.Started);
        Assert.Equal("closuredb closureuser", await Query<string>(first.ConnectionString, "select concat_ws(' ', current_database(), current_user)"));
        await Query<int>(first.ConnectionString, "create table kept as select 42 as answer; select 1");

        var second = await _directory.Start(_options);
        Assert.False(second.Started);
        await first.DisposeAsync();
        Assert.NotNull(await Container.FindRunning(TestContext.Current.CancellationToken));
        await second.DisposeAsync();
        Assert.Null(await Container.FindRunning(TestContext.Current.CancellationToken));

        await using var again = await _directory.Start(_options);
        Assert.True(again.Started);
        Assert.Equal(42, await Query<int>(again.ConnectionString, "select answer from kept"));
    }

    [Fact]
    public async Task Binaries_that_are_installed_later_do_not_hide_the_data_in_the_volume()
    {
        await using (await _directory.Start(_options)) { }
        await using (await _directory.Start(_options with { SearchDirectories = null })) { }
        Assert.False(Directory.Exists(Path.Combine(_directory.Path, "data")));
    }

    [Fact]
    public async Task A_container_that_does_not_start_says_why()
    {
        var options = _options with { Docker = Path.Combine(_standIn.Path, "failing-docker") };
        Directory.CreateDirectory(_standIn.Path);
        await WriteScript(options.Docker, "test $1 = version || { echo 'no space left' >&2; exit 125; }");
        var error = await Assert.ThrowsAsync<PostgresStartException>(() => _directory.Start(options));
        Assert.Contains("no space left", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_container_publishes_a_loopback_port_keeps_a_volume_and_does_not_show_its_password()
    {
        var container = new PostgresContainer(ServerDirectory.Open(_directory.Path), new() { DockerImage = "postgres:15" }, NullLogger.Instance);
        Assert.Matches("^closuretable-[0-9a-f]{12}$", container.Name);
        Assert.Equal($"""
            run --detach --name {container.Name} --stop-signal SIGINT --shm-size 256m
            --volume {container.Name}:/var/lib/postgresql/data --publish 127.0.0.1::5432
            --env POSTGRES_USER=closureuser --env POSTGRES_PASSWORD
            postgres:15 postgres -c timezone=UTC -c log_timezone=UTC
            """.ReplaceLineEndings(" "), string.Join(' ', container.RunArguments()));
    }

    private static Task<bool> EngineHasImage() => Docker($"image inspect {Image}");

    /// <summary>Through a shell, for which a missing docker command is one more failure.</summary>
    private static async Task<bool> Docker(string command) =>
        (await Cli.Wrap("/bin/sh").WithArguments(["-c", $"docker {command}"]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync()).IsSuccess;
}
