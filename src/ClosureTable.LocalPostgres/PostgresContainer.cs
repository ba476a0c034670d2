using System.Diagnostics;
using CliWrap;
using CliWrap.Buffered;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace ClosureTable.LocalPostgres;

/// <summary>PostgreSQL in a container with its data in a named volume. The container is removed when it stops, the volume is kept.</summary>
internal sealed class PostgresContainer(ServerDirectory directory, LocalPostgresOptions options, ILogger logger) : IPostgres
{
    private const string PasswordVariable = "POSTGRES_PASSWORD";
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>The name of both the container and the volume.</summary>
    public string Name { get; } = $"closuretable-{directory.Fingerprint}";

    /// <summary>Whether the directory's data are in a volume. They are used even if binaries were installed later.</summary>
    public bool HasData => File.Exists(directory.Container);

    public async Task<bool> EngineResponds(CancellationToken ct)
    {
        try
        {
            return (await Docker(["version", "--format", "{{.Server.Version}}"], ct)).IsSuccess;
        }
        catch (PostgresStartException)
        {
            return false;
        }
    }

    public async Task<NpgsqlConnectionStringBuilder?> FindRunning(CancellationToken ct)
    {
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(PollInterval, ct))
        {
            var state = await Docker(["inspect", "--type", "container", "--format", "{{.State.Running}}", Name], ct);
            if (!state.IsSuccess || state.StandardOutput.Trim() != "true") return null;
            if (await Address(ct) is not { } server) continue;
            if (await server.Refusal(ct) is not { } refusal) return server;
            if (waited.Elapsed > Patience)
                throw new PostgresStartException($"The container {Name} runs but refuses connections: {refusal.Message} See docker logs {Name}.");
        }
    }

    public async Task<NpgsqlConnectionStringBuilder> Start(CancellationToken ct)
    {
        logger.LogInformation("Starting PostgreSQL in the container {Container} from {Image}", Name, options.DockerImage);
        await Docker(["rm", "--force", Name], ct); // one that stopped with the Docker engine
        var run = await Docker(RunArguments(), ct);
        if (!run.IsSuccess) throw new PostgresStartException($"docker run of {options.DockerImage} failed: {run.StandardError.Trim()}");
        await File.WriteAllTextAsync(directory.Container, $"The data are in the Docker volume {Name}.{Environment.NewLine}", ct);
        return await FindRunning(ct) ?? throw new PostgresStartException($"PostgreSQL in the container of {options.DockerImage} stopped at once; run the image to see why.");
    }

    public async Task Stop()
    {
        var stop = await Docker(["stop", "-t", "60", Name], CancellationToken.None);
        if (!stop.IsSuccess && !stop.StandardError.Contains("No such container", StringComparison.OrdinalIgnoreCase))
            throw new PostgresStopException($"docker stop {Name} failed: {stop.StandardError.Trim()}");
        // Not with --rm: the engine may still be removing it when the next start needs the name.
        await Docker(["rm", "--force", Name], CancellationToken.None);
    }

    /// <summary>SIGINT is PostgreSQL's fast shutdown. The password comes from the environment, which ps does not show.</summary>
    internal IReadOnlyList<string> RunArguments() =>
    [
        "run", "--detach", "--name", Name, "--stop-signal", "SIGINT", "--shm-size", "256m",
        "--volume", $"{Name}:/var/lib/postgresql/data", "--publish", "127.0.0.1::5432",
        "--env", $"POSTGRES_USER={IPostgres.User}", "--env", PasswordVariable,
        options.DockerImage, "postgres", .. options.AllSettings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" }),
    ];

    private async Task<NpgsqlConnectionStringBuilder?> Address(CancellationToken ct)
    {
        var port = await Docker(["port", Name, "5432/tcp"], ct);
        if (!port.IsSuccess || port.StandardOutput.Split('\n')[0].Trim() is not { Length: > 0 } address) return null;
        return Connections.Server("127.0.0.1", int.Parse(address[(address.LastIndexOf(':') + 1)..], null), directory.ReadOrCreatePassword());
    }

    private async Task<BufferedCommandResult> Docker(IReadOnlyList<string> arguments, CancellationToken ct)
    {
        try
        {
            return await Cli.Wrap(options.Docker).WithArguments(arguments)
                .WithEnvironmentVariables(variables => variables.Set(PasswordVariable, directory.ReadOrCreatePassword()))
                .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync(ct);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            throw new PostgresStartException($"The data of {directory.Root} are in the Docker volume {Name}, but there is no docker command.");
        }
    }
}
