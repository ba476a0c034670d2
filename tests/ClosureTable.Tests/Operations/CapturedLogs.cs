using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace ClosureTable.Tests.Operations;

/// <summary>A line of the log, with what a JSON console would write of it.</summary>
internal sealed record LogLine(string Category, LogLevel Level, string Message, IReadOnlyDictionary<string, object?> Fields, Exception? Exception)
{
    /// <summary>Everything that reaches the disk.</summary>
    public override string ToString() => $"{Level} {Category} {Message} {string.Join(' ', Fields)} {Exception}";
}

/// <summary>Keeps what an instance logs.</summary>
internal sealed class CapturedLogs : ILoggerProvider
{
    private readonly ConcurrentQueue<LogLine> lines = new();

    public IReadOnlyList<LogLine> Lines => [.. lines];

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, lines);

    public void Dispose()
    {
    }

    private sealed class Logger(string category, ConcurrentQueue<LogLine> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(new(category, logLevel, formatter(state, exception),
                (state as IEnumerable<KeyValuePair<string, object?>> ?? []).GroupBy(field => field.Key).ToDictionary(field => field.Key, field => field.Last().Value), exception));
    }
}
