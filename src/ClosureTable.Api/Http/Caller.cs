using System.Globalization;
using System.Security.Claims;

namespace ClosureTable.Api.Http;

/// <summary>The signed-in user.</summary>
internal readonly record struct Caller(long Id, bool IsModerator);

/// <summary>What the service reads from a caller's claims.</summary>
internal static class CallerClaims
{
    extension(ClaimsPrincipal caller)
    {
        /// <summary>The id in <c>auth_users</c>; null for an anonymous caller.</summary>
        public long? UserId => long.TryParse(caller.FindFirst("sub")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;

        /// <summary>The caller of an endpoint that requires authorization.</summary>
        public Caller Caller => new(caller.UserId ?? throw new InvalidOperationException("The endpoint does not require authorization."), caller.IsModerator);

        public bool IsModerator => caller.IsInRole(Roles.Moderator);
    }
}

internal static class Roles
{
    public const string User = "user";
    public const string Moderator = "moderator";
}
