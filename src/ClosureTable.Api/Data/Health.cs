using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ClosureTable.Api.Data;

/// <summary>Ready: the database answers, and its schema is the one that this build needs.</summary>
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
            // Said in a sentence at each probe; a stack trace at each would bury the log.
            return HealthCheckResult.Unhealthy(exception.Message);
        }
    }
}

internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        // Live asks nothing of the database: a service that waits for it must not be restarted for that.
        app.MapProbe("/health/live", new HealthCheckOptions { Predicate = _ => false });
        app.MapProbe("/health/ready", new HealthCheckOptions());
    }

    /// <summary>The framework's own takes every verb.</summary>
    private static void MapProbe(this IEndpointRouteBuilder app, string path, HealthCheckOptions options) =>
        app.MapHealthChecks(path, options).WithMetadata(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head])).DisableRateLimiting().AllowAnonymous();
}
