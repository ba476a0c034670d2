using System.ComponentModel.DataAnnotations;

namespace ClosureTable.Api.Live;

/// <summary>The section <c>Live</c> of the configuration: event streams.</summary>
internal sealed record LiveOptions
{
    /// <summary>How often an idle stream sends a heartbeat, so that no proxy closes it. Whole seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ErrorMessage = "Live__Heartbeat must be between 00:00:01 and 00:05:00.")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often an instance with streams polls for events: the longest delay after a lost notification.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00", ErrorMessage = "Live__PollInterval must be between 00:00:00.1 and 00:05:00.")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long clients wait before they reconnect.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", ErrorMessage = "Live__Retry must be at most 00:05:00.")]
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long events are kept for clients that reconnect; also how long a cursor of <c>sort=top</c> is exact.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00", ErrorMessage = "Live__Retention must be at least 01:00:00 (one hour), as in 7.00:00:00.")]
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The most events that are replayed to a client. One that missed more is told to reload, which is cheaper for both.</summary>
    [Range(1, 10_000, ErrorMessage = "Live__ReplayLimit must be a number from 1 to 10000.")]
    public int ReplayLimit { get; init; } = 1000;

    /// <summary>Bytes of events that may wait for a slow client before it is disconnected.</summary>
    [Range(1024, 64 * 1024 * 1024, ErrorMessage = "Live__BacklogBytes must be a number from 1024 to 67108864.")]
    public int BacklogBytes { get; init; } = 1024 * 1024;

    /// <summary>Streams per instance; beyond it, 503.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Live__MaxStreams must be a number from 1 to 1000000.")]
    public int MaxStreams { get; init; } = 20_000;

    /// <summary>Streams per client address and instance; beyond it, 429.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Live__MaxStreamsPerClient must be a number from 1 to 1000000.")]
    public int MaxStreamsPerClient { get; init; } = 100;
}
