using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace ClosureTable.Api.Data;

/// <summary>
/// The section <c>Database</c> of the configuration: how long a problem of the database may delay a request. Settings in the connection
/// string take precedence.
/// </summary>
/// <remarks>
/// The server's three timeouts are startup parameters of the connection, which PgBouncer rejects unless <c>ignore_startup_parameters</c>
/// contains <c>options</c>. There, set all three to zero here and configure them for the role.
/// </remarks>
internal sealed record DatabaseOptions
{
    /// <summary>How long a statement of a request may run; after that, the response is 504. Zero for the server's setting.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__StatementTimeout must be from 00:00:00 (the server's own) to 01:00:00.")]
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a statement may wait for a lock; after that, the response is 503. Zero for the server's setting.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__LockTimeout must be from 00:00:00 (the server's own) to 01:00:00.")]
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a transaction may be idle before the server ends it, so that an instance that hangs or loses its network does not keep
    /// a thread locked. Zero for the server's setting.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__IdleInTransactionTimeout must be from 00:00:00 (the server's own) to 01:00:00.")]
    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a start waits for a database that is starting or failing over. With zero, the start fails at once.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__StartPatience must be from 00:00:00 to 01:00:00.")]
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The value of <c>Options</c> in a connection string.</summary>
    public string SessionSettings => string.Join(' ', new (string Name, TimeSpan Value)[]
    {
        ("statement_timeout", StatementTimeout),
        ("lock_timeout", LockTimeout),
        ("idle_in_transaction_session_timeout", IdleInTransactionTimeout),
    }
    .Where(setting => setting.Value > TimeSpan.Zero)
    .Select(setting => string.Create(CultureInfo.InvariantCulture, $"-c {setting.Name}={(long)setting.Value.TotalMilliseconds}")));
}
