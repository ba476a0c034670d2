using System.CommandLine;

namespace ClosureTable.Api.Commands;

/// <summary>Checks that the service is ready, for container images without curl.</summary>
internal static class HealthCommand
{
    public static Command Create()
    {
        var url = new Option<Uri>("--url")
        {
            Description = "The address to check.",
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080/health/ready"),
        };
        var command = new Command("healthcheck", "Exit with 0 if the service on this machine is ready.") { url };
        command.SetAction(async (result, ct) =>
        {
            using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
            try
            {
                using var response = await client.GetAsync(result.GetRequiredValue(url), ct);
                return response.IsSuccessStatusCode ? 0 : 1;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                return 1;
            }
        });
        return command;
    }
}
