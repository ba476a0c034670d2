namespace ClosureTable.Api.Http;

/// <summary>The names of the headers that are this service's own, or of a draft.</summary>
internal static class ServiceHeaders
{
    /// <summary>The article's header for a token, accepted beside <c>Authorization: Bearer</c>.</summary>
    public const string Token = "X-Auth-Token";

    /// <summary>What makes a retried write safe (IETF draft-ietf-httpapi-idempotency-key-header).</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    /// <summary><c>true</c> on the answer to an earlier request with the same key.</summary>
    public const string IdempotentReplayed = "Idempotent-Replayed";

    /// <summary>How far the caller has seen the database; only where there are replicas.</summary>
    public const string Seen = "ClosureTable-Seen";
}
