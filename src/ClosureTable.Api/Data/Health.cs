using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClosureTable.Api.Data;

/// <summary>Ready if the database responds and has all migrations of this build.</summary>
internal sealed class SchemaCheck(Migrations migrations) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            var pending = (await migrations.Status(cancellationToken)).Where(script => !script.Applied).Select(script => script.Script).ToList();
            return pending.Count == 0
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy($"The schema lacks {string.Join(", ", pending)}.");
        }
        catch (Exception exception) when (DatabaseFailures.ProblemOf(exception) is not null)
        {
            // Without the exception, because a stack trace per probe would flood the log.
            return HealthCheckResult.Unhealthy(exception.Message);
        }
    }
}

internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        // Liveness ignores the database: a service that waits for it must not be restarted.
        app.MapProbe("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapProbe("/health/ready", new HealthCheckOptions());
    }

    /// <summary>By default, the framework accepts every method.</summary>
    private static void MapProbe(this IEndpointRouteBuilder app, string path, HealthCheckOptions options) =>
        app.MapHealthChecks(path, options).WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head])).DisableRateLimiting().AllowAnonymous();
}
