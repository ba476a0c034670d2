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
internal static class RateLimits
{
    /// <summary>So that a hundred times as many is still a number of 32 bits.</summary>
    private const int MaxLimit = 10_000_000;

    public static void AddRateLimits(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section)
            .Validate(settings => settings.Window >= TimeSpan.FromSeconds(1) && settings.Window <= TimeSpan.FromDays(1) && settings.Window.Ticks % TimeSpan.TicksPerSecond == 0,
                "RateLimits__Window must be whole seconds between 00:00:01 and 1.00:00:00 (one day).")
            .Validate(settings => settings is { Reads: > 0 and <= MaxLimit, Writes: > 0 and <= MaxLimit, SignIns: > 0 and <= MaxLimit },
                $"RateLimits__Reads, RateLimits__Writes and RateLimits__SignIns must be numbers from 1 to {MaxLimit}; RateLimits__Enabled=false turns them off.")
            .Validate(settings => settings.CallersPerAddress is >= 1 and <= 100,
                "RateLimits__CallersPerAddress must be a number from 1 to 100.")
            .ValidateOnStart();
    }

    /// <summary>Stands behind authentication, whose user it counts by, and before everything that costs something.</summary>
    public static void UseRateLimits(this IApplicationBuilder app)
    {
        var settings = app.ApplicationServices.GetRequiredService<IOptions<RateLimitOptions>>().Value;
        if (!settings.Enabled)
            return;

        var callers = Limiter(settings, context => QuotaOf(context) is { } quota ? (quota, CallerOf(context, quota)) : null);
        var addresses = Limiter(settings, context => AddressQuotaOf(context) is { } quota ? (quota, context.ClientAddress) : null);
        var limiter = PartitionedRateLimiter.CreateChained(callers, addresses);
        // Not the framework's middleware, which asks a second time after a refusal: of two limits, the one that had said yes loses two.
        app.Use((context, next) =>
        {
            if (Tighter(context) is not var (quota, left))
                return next(context);
            // Looked at before anything is taken: where one of the two is empty, the other loses nothing.
            if (left == 0 || !Take(context))
                return Refuse(context, quota);
            (quota, left) = Tighter(context)!.Value;
            Tell(context.Response.Headers, quota, settings, left);
            return next(context);
        });

        bool Take(HttpContext context)
        {
            using var lease = limiter.AttemptAcquire(context);
            return lease.IsAcquired;
        }

        Task Refuse(HttpContext context, Quota quota)
        {
            var seconds = Math.Max(1, (int)Math.Ceiling(DropOf(quota, settings).TotalSeconds));
            context.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
            Tell(context.Response.Headers, quota, settings, left: 0, seconds);
            return Problem.RateLimited.Result().ExecuteAsync(context);
        }

        // Of the quotas that a request counts against, the one of which less is left; of two that are empty the caller's own, which refills more slowly.
        (Quota Quota, long Left)? Tighter(HttpContext context)
        {
            if (QuotaOf(context) is not { } own)
                return null;
            var left = callers.GetStatistics(context)!.CurrentAvailablePermits;
            return AddressQuotaOf(context) is { } shared && addresses.GetStatistics(context)!.CurrentAvailablePermits is var leftOfAddress && leftOfAddress < left
                ? (shared, leftOfAddress)
                : (own, left);
        }
    }

    private enum Quota
    {
        Reads,
        Writes,
        SignIns,
        AddressReads,
        AddressWrites,
    }

    /// <returns>Null for what is not limited: requests that no endpoint answers, and endpoints that say so.</returns>
    private static Quota? QuotaOf(HttpContext context) =>
        context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.RateLimiting.DisableRateLimitingAttribute>() is not null ? null
        : context.Request.Path.StartsWithSegments("/auth", StringComparison.OrdinalIgnoreCase) ? Quota.SignIns
        : HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method) || HttpMethods.IsOptions(context.Request.Method) ? Quota.Reads
        : Quota.Writes;

    // Sign-ins count by address even for a signed-in caller: accounts are free.
    private static string CallerOf(HttpContext context, Quota quota) => quota != Quota.SignIns && context.User.UserId is { } id
        ? id.ToString(CultureInfo.InvariantCulture)
        : context.ClientAddress;

    /// <summary>
    /// What all callers at one address share, because accounts are free and each has a quota of its own.
    /// </summary>
    /// <returns>Null where nothing is shared: sign-ins have the address's own quota already, and clients without an address cannot be told apart.</returns>
    private static Quota? AddressQuotaOf(HttpContext context) => context.Connection.RemoteIpAddress is null ? null : QuotaOf(context) switch
    {
        Quota.Reads => Quota.AddressReads,
        Quota.Writes => Quota.AddressWrites,
        _ => null,
    };

    /// <param name="keyOf">Which quota a request counts against, and whose; null where none.</param>
    private static PartitionedRateLimiter<HttpContext> Limiter(RateLimitOptions settings, Func<HttpContext, (Quota Quota, string Whose)?> keyOf) =>
        PartitionedRateLimiter.Create<HttpContext, (Quota, string)>(context =>
        {
            if (keyOf(context) is not { } key)
                return RateLimitPartition.GetNoLimiter<(Quota, string)>(default);
            // A bucket that refills drop by drop: a caller who was told to wait waits for one request, not for a window's end.
            return RateLimitPartition.GetTokenBucketLimiter(key, _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = LimitOf(key.Quota, settings),
                TokensPerPeriod = 1,
                ReplenishmentPeriod = DropOf(key.Quota, settings),
                QueueLimit = 0,
            });
        });

    private static void Tell(IHeaderDictionary headers, Quota quota, RateLimitOptions settings, long left, int? seconds = null)
    {
        var name = quota switch
        {
            Quota.Reads => "reads",
            Quota.Writes => "writes",
            Quota.AddressReads => "address-reads",
            Quota.AddressWrites => "address-writes",
            _ => "sign-ins",
        };
        headers["RateLimit-Policy"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";q={LimitOf(quota, settings)};w={(long)settings.Window.TotalSeconds}");
        headers["RateLimit"] = string.Create(CultureInfo.InvariantCulture, $"\"{name}\";r={left}{(seconds is null ? "" : $";t={seconds}")}");
    }

    /// <summary>The time in which one more request becomes possible: at least the smallest that there is.</summary>
    private static TimeSpan DropOf(Quota quota, RateLimitOptions settings) =>
        TimeSpan.FromTicks(Math.Max(1, settings.Window.Ticks / LimitOf(quota, settings)));

    private static int LimitOf(Quota quota, RateLimitOptions settings) => quota switch
    {
        Quota.Reads => settings.Reads,
        Quota.Writes => settings.Writes,
        Quota.AddressReads => settings.Reads * settings.CallersPerAddress,
        Quota.AddressWrites => settings.Writes * settings.CallersPerAddress,
        _ => settings.SignIns,
    };
}
