using ClosureTable.Api.Data;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Live;

/// <summary>Detects that <c>comments_events</c> was restored from another server or database, whose transaction numbers mean nothing here.</summary>
internal sealed class EventServer(ILogger<EventServer> logger) : ISchemaStep
{
    /// <summary>
    /// Gives restored events a transaction number of this server, and makes clients of topics reload. Clients of threads use versions,
    /// which stay valid.
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
            logger.LogWarning("{Count} events came from another server: clients of topics will be told to reload", events);
    }
}
