using System.ComponentModel.DataAnnotations;

namespace ClosureTable.Api.Live;

/// <summary>The section <c>Live</c> of the configuration, or variables such as <c>Live__Heartbeat</c>: the event streams.</summary>
internal sealed record LiveOptions
{
    /// <summary>How often a stream says something when nothing happens, so that nobody on the way takes it for dead. Whole seconds.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:05:00", ErrorMessage = "Live__Heartbeat must be between 00:00:01 and 00:05:00.")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How often an instance that has streams looks for events unasked: the longest that a lost notification delays one.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00", ErrorMessage = "Live__PollInterval must be between 00:00:00.1 and 00:05:00.")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client waits before it connects again.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:05:00", ErrorMessage = "Live__Retry must be at most 00:05:00.")]
    public TimeSpan Retry { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long events are kept for those who come back; also how long a walk by likes can tell old likes from new ones.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "3650.00:00:00", ErrorMessage = "Live__Retention must be at least 01:00:00 (one hour), as in 7.00:00:00.")]
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>The most events that are replayed to a client; one that missed more is told to reload, which costs both sides less.</summary>
    [Range(1, 10_000, ErrorMessage = "Live__ReplayLimit must be a number from 1 to 10000.")]
    public int ReplayLimit { get; init; } = 1000;

    /// <summary>Bytes of events that may wait for a slow client before it is dropped.</summary>
    [Range(1024, 64 * 1024 * 1024, ErrorMessage = "Live__BacklogBytes must be a number from 1024 to 67108864.")]
    public int BacklogBytes { get; init; } = 1024 * 1024;

    /// <summary>Streams of one instance; the next gets 503.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Live__MaxStreams must be a number from 1 to 1000000.")]
    public int MaxStreams { get; init; } = 20_000;

    /// <summary>Streams of one client address on one instance; the next gets 429.</summary>
    [Range(1, 1_000_000, ErrorMessage = "Live__MaxStreamsPerClient must be a number from 1 to 1000000.")]
    public int MaxStreamsPerClient { get; init; } = 100;
}
