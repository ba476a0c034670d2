using System.Globalization;
using System.Security.Cryptography;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>A client's <c>Idempotency-Key</c> (IETF draft); users have separate keys.</summary>
/// <param name="RequestHash">To reject a key that was used for another request.</param>
internal sealed record IdempotencyKey(long UserId, string Key, byte[] RequestHash)
{
    public static byte[] Hash(params ReadOnlySpan<string?> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            // Length first, so that ("ab", "c") differs from ("a", "bc"), and an absent part from an empty one.
            hash.AppendData(BitConverter.GetBytes(part?.Length ?? -1));
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(part ?? ""));
        }

        return hash.GetHashAndReset();
    }
}

/// <summary>The comment that a request created, and the response to a retry if it was removed since.</summary>
internal sealed record StoredResponse(long CommentId, byte[] WhenRemoved);

/// <summary>
/// Records requests in the transaction that does the work. It stores no content, so that no text outlives its comment: the response to
/// a retry is rendered from the comment.
/// </summary>
internal static class Idempotency
{
    public static readonly TimeSpan Retention = TimeSpan.FromHours(24);

    /// <summary>Claims the key for this transaction. If a request with the same key is in progress, waits briefly for its response.</summary>
    /// <returns>The earlier response, a problem, or null to proceed.</returns>
    public static async Task<Outcome<StoredResponse>?> Claim(this NpgsqlConnection connection, IdempotencyKey key, CancellationToken ct)
    {
        try
        {
            await connection.ExecuteAsync("""
                set local lock_timeout = '2s';
                select pg_advisory_xact_lock(hashtextextended(@Key, @UserId));
                set local lock_timeout to default;
                """, key, ct);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.LockNotAvailable)
        {
            return Problem.RequestInFlight;
        }

        var stored = await connection.QuerySingleOrDefaultAsync<(byte[] RequestHash, string Location, byte[] Body)?>("""
            select request_hash, location, body
            from idempotency_keys
            where user_id = @UserId and key = @Key and created_at > now() - @Retention
            -- A row lock without contention and a record in the WAL: with a synchronous standby, the response is replayed only
            -- after the standby has the original write, even if the first request gave up waiting for it.
            for no key update
            """, new { key.UserId, key.Key, Retention }, ct);
        if (stored is not var (requestHash, location, body))
            return null;
        if (!requestHash.AsSpan().SequenceEqual(key.RequestHash))
            return Problem.KeyReused;
        return new StoredResponse(long.Parse(location.AsSpan(LocationPrefix.Length), CultureInfo.InvariantCulture), body);
    }

    public static Task Keep(this NpgsqlConnection connection, IdempotencyKey key, long commentId, ReadOnlyMemory<byte> whenRemoved, CancellationToken ct) =>
        connection.ExecuteAsync("""
            insert into idempotency_keys (user_id, key, request_hash, status, location, body)
            values (@UserId, @Key, @RequestHash, 201, @location, @body)
            on conflict (user_id, key) do update
            set request_hash = excluded.request_hash, status = excluded.status, location = excluded.location,
                body = excluded.body, created_at = excluded.created_at
            """,
            new
            {
                key.UserId,
                key.Key,
                key.RequestHash,
                location = string.Create(CultureInfo.InvariantCulture, $"{LocationPrefix}{commentId}"),
                body = whenRemoved.ToArray(),
            }, ct);

    /// <summary>Previous builds replay <c>location</c> and <c>body</c> as they are.</summary>
    private const string LocationPrefix = "/comments/";
}
