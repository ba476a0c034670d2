using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>
/// Notices that <c>comments_events</c> came from another server, or another database, by a dump: its transaction numbers say
/// nothing here, and the events would be taken for old ones or for those of a future.
/// </summary>
internal sealed class EventServer(ILogger<EventServer> logger) : ISchemaStep
{
    /// <summary>
    /// Gives events of another server the number of one transaction of this one, and has every client of a topic that
    /// stood before it told to reload. Clients of a thread go by its version, which came along.
    /// </summary>
    public void Apply(NpgsqlConnection connection)
    {
        const string Here = """
            (select format('%s/%s', (select system_identifier from pg_control_system()), oid) from pg_database where datname = current_database())
            """;
        if (connection.ExecuteScalar<bool>($"select server is not distinct from {Here} from comments_events_pruned"))
            return;
        var events = connection.Execute("update comments_events set xid = default", commandTimeout: 0);
        connection.Execute($"update comments_events_pruned set through = pg_current_xact_id(), server = {Here}");
        if (events > 0)
            logger.LogWarning("{Count} events came from another server: clients that watched a topic are told to reload", events);
    }
}
