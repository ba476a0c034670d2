using Npgsql;

namespace ClosureTable.Api.Data;

/// <summary>What a feature must see to after the scripts, because it depends on a setting or on the server.</summary>
internal interface ISchemaStep
{
    /// <param name="connection">In the transaction that holds the lock of the migrations: of instances that start together, one does it.</param>
    void Apply(NpgsqlConnection connection);
}
