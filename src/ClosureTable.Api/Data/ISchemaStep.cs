using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>A step after the migration scripts that depends on a setting or on the server.</summary>
internal interface ISchemaStep
{
    /// <param name="connection">In the transaction that holds the migration lock, so that only one instance runs the step at a time.</param>
    void Apply(NpgsqlConnection connection);
}
