using System.ComponentModel.DataAnnotations;
using System.Globalization;

namespace ClosureTable.Api.Data;

/// <summary>
/// The section <c>Database</c> of the configuration, or variables such as <c>Database__LockTimeout</c>: how long a fault of
/// the database may hold a request up. What the connection string says about the same goes first.
/// </summary>
/// <remarks>
/// The three timeouts of the server go with the connection as startup parameters, which PgBouncer refuses unless its
/// <c>ignore_startup_parameters</c> has <c>options</c>; there set all three to zero and give them to the role
/// (<c>alter role closureuser set statement_timeout = '20s'</c>, …).
/// </remarks>
internal sealed record DatabaseOptions
{
    /// <summary>The longest that one statement of a request may run; it is answered with 504. Zero leaves it to the server.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__StatementTimeout must be from 00:00:00 (the server's own) to 01:00:00.")]
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The longest that a statement may wait for a lock; it is answered with 503. Zero leaves it to the server.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__LockTimeout must be from 00:00:00 (the server's own) to 01:00:00.")]
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// After this long without a word within a transaction the server ends it: an instance that froze, or whose network went
    /// away, must not keep a thread locked. Zero leaves it to the server.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__IdleInTransactionTimeout must be from 00:00:00 (the server's own) to 01:00:00.")]
    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a start waits for a database that is starting too, or failing over. Zero: the start fails at once.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00", ErrorMessage = "Database__StartPatience must be from 00:00:00 to 01:00:00.")]
    public TimeSpan StartPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The server's timeouts as the <c>Options</c> of a connection string.</summary>
    public string SessionSettings => string.Join(' ', new (string Name, TimeSpan Value)[]
    {
        ("statement_timeout", StatementTimeout),
        ("lock_timeout", LockTimeout),
        ("idle_in_transaction_session_timeout", IdleInTransactionTimeout),
    }
    .Where(setting => setting.Value > TimeSpan.Zero)
    .Select(setting => string.Create(CultureInfo.InvariantCulture, $"-c {setting.Name}={(long)setting.Value.TotalMilliseconds}")));
}
