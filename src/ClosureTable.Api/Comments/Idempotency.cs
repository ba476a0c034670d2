using System.Globalization;
using System.Security.Cryptography;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Dapper;
using Npgsql;

namespace ClosureTable.Api.Comments;

/// <summary>A client's <c>Idempotency-Key</c> (IETF draft) and what it stands for.</summary>
/// <param name="UserId">Keys of different users have nothing to do with each other.</param>
/// <param name="Key">1 to 255 printable ASCII characters.</param>
/// <param name="RequestHash">SHA-256 of the request: the same key with another request is a mistake.</param>
internal sealed record IdempotencyKey(long UserId, string Key, byte[] RequestHash)
{
    public static byte[] Hash(params ReadOnlySpan<string?> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            // Length first: ("ab", "c") is not ("a", "bc"), and an absent part is not an empty one.
            hash.AppendData(BitConverter.GetBytes(part?.Length ?? -1));
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(part ?? ""));
        }

        return hash.GetHashAndReset();
    }
}

/// <summary>Which comment a request made, and what a retry is answered if it was removed since.</summary>
internal sealed record StoredAnswer(long CommentId, byte[] WhenRemoved);

/// <summary>
/// Idempotent requests, remembered in the database by the transaction that does the work. What a comment says is not kept
/// here: a retry is answered from the comment, so that no text outlives it.
/// </summary>
internal static class Idempotency
{
    /// <summary>How long a key is remembered.</summary>
    public static readonly TimeSpan Retention = TimeSpan.FromHours(24);

    /// <summary>
    /// Makes the key this transaction's own. A request with the same key that is under way elsewhere is waited for, a short
    /// while: mostly its answer can be replayed then.
    /// </summary>
    /// <returns>The earlier answer, a problem, or null: go ahead.</returns>
    public static async Task<Outcome<StoredAnswer>?> Claim(this NpgsqlConnection connection, IdempotencyKey key, CancellationToken ct)
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
            -- A lock that no request waits for, and a record in the log: with a synchronous standby the answer is replayed only
            -- after the standby has what it reports, also where the first request gave up waiting for that.
            for no key update
            """, new { key.UserId, key.Key, Retention }, ct);
        if (stored is not var (requestHash, location, body))
            return null;
        if (!requestHash.AsSpan().SequenceEqual(key.RequestHash))
            return Problem.KeyReused;
        return new StoredAnswer(long.Parse(location.AsSpan(LocationPrefix.Length), CultureInfo.InvariantCulture), body);
    }

    /// <summary>Keeps which comment was made; an expired key makes room.</summary>
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

    /// <summary>Older builds replay <c>location</c> and <c>body</c> as they are.</summary>
    private const string LocationPrefix = "/comments/";
}
