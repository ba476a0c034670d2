using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Hosting;

/// <summary>The section <c>RateLimits</c>: how many requests at once, and how many more as a window goes by, for each kind. Each instance counts for itself.</summary>
internal sealed record RateLimitSettings
{
    public const string Section = "RateLimits";

    /// <summary>On, but for Development.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Whole seconds, up to a day.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>GET, HEAD and OPTIONS, of a user or, where nobody is signed in, of a client address.</summary>
    public int Reads { get; init; } = 1200;

    /// <summary>Everything else, of a user or of a client address.</summary>
    public int Writes { get; init; } = 120;

    /// <summary>Calls below <c>/auth</c>, of a client address.</summary>
    public int SignIns { get; init; } = 30;
}

/// <summary>How much one caller may ask for, told before it is too much (draft-ietf-httpapi-ratelimit-headers).</summary>
internal static class RateLimits
{
    public static void AddRateLimits(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<RateLimitSettings>().BindConfiguration(RateLimitSettings.Section)
            .Validate(settings => settings.Window >= TimeSpan.FromSeconds(1) && settings.Window <= TimeSpan.FromDays(1) && settings.Window.Ticks % TimeSpan.TicksPerSecond == 0,
                "RateLimits__Window must be whole seconds between 00:00:01 and 1.00:00:00 (one day).")
            .Validate(settings => settings is { Reads: > 0, Writes: > 0, SignIns: > 0 },
                "RateLimits__Reads, RateLimits__Writes and RateLimits__SignIns must be at least 1; RateLimits__Enabled=false turns them off.")
            .ValidateOnStart();
        builder.Services.AddRateLimiter(_ => { });
    }

    /// <summary>Stands behind authentication, whose user it counts by, and before everything that costs something.</summary>
    public static void UseRateLimits(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<IOptions<RateLimitSettings>>().Value;
        if (!settings.Enabled)
            return;

        var limiter = PartitionedRateLimiter.Create<HttpContext, (Quota, string)>(context => Partition(context, settings));
        app.UseRateLimiter(new()
        {
            GlobalLimiter = limiter,
            RejectionStatusCode = StatusCodes.Status429TooManyRequests,
            OnRejected = (rejected, _) => new(Reject(rejected.HttpContext, rejected.Lease, settings)),
        });
        app.Use((context, next) =>
        {
            if (QuotaOf(context) is { } quota)
                Tell(context.Response.Headers, quota, settings, remaining: limiter.GetStatistics(context)?.CurrentAvailablePermits ?? 0);
            return next(context);
        });
    }

    private enum Quota
    {
        Reads,
        Writes,
        SignIns,
    }

    /// <returns>Null for what is not limited: requests that no endpoint answers, and endpoints that say so.</returns>
    private static Quota? QuotaOf(HttpContext context) =>
        context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.RateLimiting.DisableRateLimitingAttribute>() is not null ? null
        : context.Request.Path.StartsWithSegments("/auth", StringComparison.OrdinalIgnoreCase) ? Quota.SignIns
        : HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) || HttpMethods.IsOptions(context.Request.Method) ? Quota.Reads
        : Quota.Writes;

    private static RateLimitPartition<(Quota, string)> Partition(HttpContext context, RateLimitSettings settings)
    {
        if (QuotaOf(context) is not { } quota)
            return RateLimitPartition.GetNoLimiter<(Quota, string)>(default);
        // Sign-ins count by address even for a signed-in caller: accounts are free.
        var caller = quota != Quota.SignIns && context.User.UserId is { } id
            ? id.ToString(CultureInfo.InvariantCulture)
            : context.ClientAddress;
        // A bucket that refills drop by drop: a caller who was told to wait waits for one request, not for a window's end.
        var limit = LimitOf(quota, settings);
        return RateLimitPartition.GetTokenBucketLimiter((quota, caller), _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = limit,
            TokensPerPeriod = 1,
            ReplenishmentPeriod = settings.Window / limit,
            QueueLimit = 0,
        });
    }

    private static Task Reject(HttpContext context, RateLimitLease lease, RateLimitSettings settings)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : settings.Window;
        var seconds = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds));
        context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        Tell(context.Response.Headers, QuotaOf(context)!.Value, settings, remaining: 0, seconds);
        return Problem.RateLimited.Result().ExecuteAsync(context);
    }

    private static void Tell(IHeaderDictionary headers, Quota quota, RateLimitSettings settings, long remaining, int? seconds = null)
    {
        var name = quota switch { Quota.Reads => "reads", Quota.Writes => "writes", _ => "sign-ins" };
        headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={LimitOf(quota, settings)};w={(long)settings.Window.TotalSeconds}");
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r={remaining}{(seconds is null ? "" : $";t={seconds}")}");
    }

    private static int LimitOf(Quota quota, RateLimitSettings settings) =>
        quota switch { Quota.Reads => settings.Reads, Quota.Writes => settings.Writes, _ => settings.SignIns };
}
