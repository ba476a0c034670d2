using Dapper;
using Npgsql;
using static Dapper.SqlMapper;

namespace ClosureTable.Api.Data;

/// <summary>Dapper's methods with a cancellation token, which Dapper accepts only in a <see cref="CommandDefinition"/>. A <c>timeout</c> of 0 means none.</summary>
internal static class DapperExtensions
{
    extension(NpgsqlConnection connection)
    {
        public Task<int> ExecuteAsync(string sql, object? parameters, CancellationToken ct, int? timeout = null) =>
            SqlMapper.ExecuteAsync(connection, Command(sql, parameters, timeout, ct));

        public Task<T?> ExecuteScalarAsync<T>(string sql, object? parameters, CancellationToken ct, int? timeout = null) =>
            SqlMapper.ExecuteScalarAsync<T>(connection, Command(sql, parameters, timeout, ct));

        public Task<IEnumerable<T>> QueryAsync<T>(string sql, object? parameters, CancellationToken ct, int? timeout = null) =>
            SqlMapper.QueryAsync<T>(connection, Command(sql, parameters, timeout, ct));

        public Task<T> QuerySingleAsync<T>(string sql, object? parameters, CancellationToken ct, int? timeout = null) =>
            SqlMapper.QuerySingleAsync<T>(connection, Command(sql, parameters, timeout, ct));

        public Task<T?> QuerySingleOrDefaultAsync<T>(string sql, object? parameters, CancellationToken ct, int? timeout = null) =>
            SqlMapper.QuerySingleOrDefaultAsync<T>(connection, Command(sql, parameters, timeout, ct));

        public Task<GridReader> QueryMultipleAsync(string sql, object? parameters, CancellationToken ct, int? timeout = null) =>
            SqlMapper.QueryMultipleAsync(connection, Command(sql, parameters, timeout, ct));
    }

    private static CommandDefinition Command(string sql, object? parameters, int? timeout, CancellationToken ct) =>
        new(sql, parameters, commandTimeout: timeout, cancellationToken: ct);
}
