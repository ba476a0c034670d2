using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Http;

/// <summary>The section <c>RateLimits</c>: how many requests at once, and how many more as a window goes by, for each kind. Each instance counts for itself.</summary>
internal sealed record RateLimitOptions
{
    public const string Section = "RateLimits";

    /// <summary>On, but for Development.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Whole seconds, up to a day.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>GET, HEAD and OPTIONS, per user or, for anonymous callers, per client address.</summary>
    public int Reads { get; init; } = 1200;

    /// <summary>Other methods, per user or client address.</summary>
    public int Writes { get; init; } = 120;

    /// <summary>Calls below <c>/auth</c>, per client address.</summary>
    public int SignIns { get; init; } = 30;

    /// <summary>How many callers' quotas of reads and writes one client address has, however many users come from it.</summary>
    public int CallersPerAddress { get; init; } = 10;
}

/// <summary>How much one caller may ask for, told before it is too much (draft-ietf-httpapi-ratelimit-headers).</summary>
internal sealed class RateLimits
{
    private readonly Quota reads, writes, signIns;
    private readonly PartitionedRateLimiter<HttpContext> callers, addresses, both;

    public RateLimits(RateLimitOptions settings)
    {
        reads = Pair("reads", settings.Reads);
        writes = Pair("writes", settings.Writes);
        signIns = new Quota("sign-ins", settings.SignIns, settings.Window, shared: null);
        callers = Limiter(context => QuotaOf(context) is { } quota ? (quota, CallerOf(context, quota)) : null);
        addresses = Limiter(context => QuotaOf(context) is { } quota && SharedOf(context, quota) is { } shared ? (shared, context.ClientAddress) : null);
        both = PartitionedRateLimiter.CreateChained(callers, addresses);

        Quota Pair(string name, int limit) =>
            new(name, limit, settings.Window, new Quota($"address-{name}", limit * settings.CallersPerAddress, settings.Window, shared: null));
    }

    /// <remarks>Not the framework's middleware, which asks a second time after a refusal: of two limits, the one that had said yes loses two.</remarks>
    public Task Pass(HttpContext context, RequestDelegate next)
    {
        if (QuotaOf(context) is not { } own)
            return next(context);
        // Looked at before anything is taken: where one of the two is empty, the other loses nothing.
        var (quota, left) = Tighter(context, own);
        if (left == 0 || !Take(context))
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(quota.Drop.TotalSeconds));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            quota.Tell(context.Response.Headers, left: 0, seconds);
            return Problem.RateLimited.Result().ExecuteAsync(context);
        }

        (quota, left) = Tighter(context, own);
        quota.Tell(context.Response.Headers, left);
        return next(context);
    }

    private bool Take(HttpContext context)
    {
        using var lease = both.AttemptAcquire(context);
        return lease.IsAcquired;
    }

    /// <summary>Of the quotas that a request counts against, the one of which less is left; of two that are empty the caller's own, which refills more slowly.</summary>
    private (Quota Quota, long Left) Tighter(HttpContext context, Quota own)
    {
        var left = callers.GetStatistics(context)!.CurrentAvailablePermits;
        return SharedOf(context, own) is { } shared && addresses.GetStatistics(context)!.CurrentAvailablePermits is var leftOfAddress && leftOfAddress < left
            ? (shared, leftOfAddress)
            : (own, left);
    }

    /// <returns>Null for what is not limited: requests that no endpoint answers, and endpoints that say so.</returns>
    private Quota? QuotaOf(HttpContext context) =>
        context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.RateLimiting.DisableRateLimitingAttribute>() is not null ? null
        : context.Request.Path.StartsWithSegments("/auth", StringComparison.OrdinalIgnoreCase) ? signIns
        : HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) || HttpMethods.IsOptions(context.Request.Method) ? reads
        : writes;

    // Sign-ins count by address even for a signed-in caller: accounts are free.
    private string CallerOf(HttpContext context, Quota quota) => quota != signIns && context.User.UserId is { } id
        ? id.ToString(CultureInfo.InvariantCulture)
        : context.ClientAddress;

    /// <returns>Null where nothing is shared, and for clients without an address, which cannot be told apart.</returns>
    private static Quota? SharedOf(HttpContext context, Quota own) => context.Connection.RemoteIpAddress is null ? null : own.Shared;

    /// <param name="keyOf">Which quota a request counts against, and whose; null where none.</param>
    private static PartitionedRateLimiter<HttpContext> Limiter(Func<HttpContext, (Quota Quota, string Whose)?> keyOf) =>
        PartitionedRateLimiter.Create<HttpContext, (Quota?, string)>(context =>
        {
            if (keyOf(context) is not var (quota, whose))
                return RateLimitPartition.GetNoLimiter<(Quota?, string)>((null, ""));
            // A bucket that refills drop by drop: a caller who was told to wait waits for one request, not for a window's end.
            return RateLimitPartition.GetTokenBucketLimiter<(Quota?, string)>((quota, whose), _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = quota.Limit,
                TokensPerPeriod = 1,
                ReplenishmentPeriod = quota.Drop,
                QueueLimit = 0,
            });
        });

    /// <param name="shared">What all callers at one address share, because accounts are free and each has a quota of its own.</param>
    private sealed class Quota(string name, int limit, TimeSpan window, Quota? shared)
    {
        public int Limit => limit;

        public Quota? Shared => shared;

        /// <summary>The time in which one more request becomes possible: at least the smallest that there is.</summary>
        public TimeSpan Drop => TimeSpan.FromTicks(Math.Max(1, window.Ticks / limit));

        public void Tell(IHeaderDictionary headers, long left, int? seconds = null)
        {
            headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={limit};w={(long)window.TotalSeconds}");
            headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r={left}{(seconds is null ? "" : $";t={seconds}")}");
        }
    }
}

internal static class RateLimitRegistration
{
    /// <summary>So that a hundred times as many is still a number of 32 bits.</summary>
    private const int MaxLimit = 10_000_000;

    public static void AddRateLimits(this IHostApplicationBuilder builder) =>
        builder.Services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section)
            .Validate(settings => settings.Window >= TimeSpan.FromSeconds(1) && settings.Window <= TimeSpan.FromDays(1) && settings.Window.Ticks % TimeSpan.TicksPerSecond == 0,
                "RateLimits__Window must be whole seconds between 00:00:01 and 1.00:00:00 (one day).")
            .Validate(settings => settings is { Reads: > 0 and <= MaxLimit, Writes: > 0 and <= MaxLimit, SignIns: > 0 and <= MaxLimit },
                $"RateLimits__Reads, RateLimits__Writes and RateLimits__SignIns must be numbers from 1 to {MaxLimit}; RateLimits__Enabled=false turns them off.")
            .Validate(settings => settings.CallersPerAddress is >= 1 and <= 100,
                "RateLimits__CallersPerAddress must be a number from 1 to 100.")
            .ValidateOnStart();

    /// <summary>Stands behind authentication, whose user it counts by, and before everything that costs something.</summary>
    public static void UseRateLimits(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<IOptions<RateLimitOptions>>().Value;
        if (settings.Enabled)
            app.Use(new RateLimits(settings).Pass);
    }
}
