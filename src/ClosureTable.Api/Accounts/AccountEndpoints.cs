using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Accounts;

internal static class AccountEndpoints
{
    public static void AddAccounts(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<UserRepository>();
        builder.Services.AddSingleton<SessionRepository>();
        builder.Services.Configure<PasswordHasherOptions>(options => options.IterationCount = Passwords.Iterations);
        builder.Services.AddSingleton<IPasswordHasher<User>, PasswordHasher<User>>();
        builder.Services.AddSingleton<Passwords>();
        builder.Services.AddSingleton<SignIn>();
        builder.Services.AddSingleton<DisabledUsers>();
        builder.Services.AddHostedService(services => services.GetRequiredService<DisabledUsers>());
        builder.Services.AddSweep<ExpiredSessions>();
    }

    public static void MapAccounts(this IEndpointRouteBuilder app)
    {
        // Anonymous: a client that refreshes may send its expired access token, and must not be refused for it.
        var auth = app.MapGroup("/auth").WithTags("Accounts").AllowAnonymous().AddEndpointFilter(NeverStored);
        auth.MapPost("/register", Register).WithProblems(Problem.ValidationFailed, Problem.EmailTaken, Problem.Busy)
            .WithResponseHeader(201, "Location", "Where the account can be read.");
        auth.MapPost("/login", Login).WithProblems(Problem.ValidationFailed, Problem.InvalidCredentials, Problem.AccountDisabled, Problem.TooManyLogins, Problem.Busy);
        auth.MapPost("/refresh", Refresh).WithProblems(Problem.ValidationFailed, Problem.InvalidRefreshToken);
        auth.MapPost("/logout", Logout).WithMetadata(new OptionalBodyMetadata(typeof(LogoutRequest)));

        app.MapGet("/users/me", Me).WithTags("Accounts").RequireAuthorization().AddEndpointFilter(NeverStored).WithProblems(Problem.Unauthorized);
    }

    /// <summary>Create an account.</summary>
    /// <remarks>Its role is <c>user</c>. Refusing an address takes as long as accepting one.</remarks>
    private static async Task<Results<Created<User>, ProblemHttpResult>> Register(
        RegisterRequest request, Passwords passwords, UserRepository users, CancellationToken ct)
    {
        if (await passwords.Hash(request.Password, ct) is not { } hash)
            return Problem.Busy.Result();
        var user = await users.Register(request.Email.Trim(), request.Name.Trim(), hash, ct);
        return user is null ? Problem.EmailTaken.Result() : TypedResults.Created("/users/me", user);
    }

    /// <summary>Sign in.</summary>
    /// <remarks>
    /// Returns a short-lived access token and a refresh token. A wrong password and an unknown address get the same answer
    /// after the same time. After 10 failures for one address, or 100 from one client, within 15 minutes the answer is 429
    /// until the window ends; a successful login resets the count of the address.
    /// </remarks>
    private static async Task<Results<Ok<SessionTokens>, ProblemHttpResult>> Login(
        LoginRequest request, HttpContext http, SignIn signIn, SessionRepository sessions, TokenIssuer issuer, CancellationToken ct)
    {
        var email = request.Email.Trim();
        if (await signIn.Wait(email, http.ClientAddress, ct) is { } wait)
        {
            http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return Problem.TooManyLogins.Result();
        }

        var (user, problem) = await signIn.Check(email, request.Password, http.ClientAddress, ct);
        return user is null
            ? problem!.Result()
            : TypedResults.Ok(Tokens(issuer, user.Id, user.Name, user.Role, await sessions.Start(user.Id, ct)));
    }

    /// <summary>Exchange a refresh token for a new pair.</summary>
    /// <remarks>
    /// Each refresh token works once. If a used token is sent again, it may have been stolen: the whole session ends, and the
    /// user must sign in again. So refresh from one place at a time, and keep the answer.
    /// </remarks>
    private static async Task<Results<Ok<SessionTokens>, ProblemHttpResult>> Refresh(
        RefreshRequest request, SessionRepository sessions, TokenIssuer issuer, CancellationToken ct) =>
        await sessions.Refresh(request.RefreshToken, ct) is { } session
            ? TypedResults.Ok(Tokens(issuer, session.UserId, session.Name, session.Role, session.RefreshToken))
            : Problem.InvalidRefreshToken.Result();

    /// <summary>End the session.</summary>
    /// <remarks>
    /// Its refresh tokens stop working; access tokens already issued stay valid until they expire. Always 204: a body that is
    /// missing, unreadable or names no session ends nothing and is not an error.
    /// </remarks>
    private static async Task<NoContent> Logout(HttpRequest http, IOptions<JsonOptions> json, SessionRepository sessions, CancellationToken ct)
    {
        if (await Read(http, json.Value, ct) is { RefreshToken: { Length: > 0 } refreshToken })
            await sessions.End(refreshToken, ct);
        return TypedResults.NoContent();
    }

    /// <returns>Null where the body is missing, too large or not JSON.</returns>
    private static async Task<LogoutRequest?> Read(HttpRequest http, JsonOptions json, CancellationToken ct)
    {
        try
        {
            return await JsonSerializer.DeserializeAsync<LogoutRequest>(http.Body, json.SerializerOptions, ct);
        }
        catch (Exception unreadable) when (unreadable is JsonException or IOException)
        {
            return null;
        }
    }

    /// <summary>The account of the caller.</summary>
    private static async Task<Results<Ok<User>, ProblemHttpResult>> Me(ClaimsPrincipal caller, UserRepository users, CancellationToken ct) =>
        caller.UserId is { } id && await users.Find(id, ct) is { } user ? TypedResults.Ok(user) : Problem.Unauthorized.Result();

    private static SessionTokens Tokens(TokenIssuer issuer, long userId, string name, string role, string refreshToken)
    {
        var (token, expires) = issuer.Issue(userId, name, role);
        return new SessionTokens { Token = token, Expired = expires, RefreshToken = refreshToken };
    }

    /// <summary>Tokens and addresses must not be cached (RFC 6749, 5.1).</summary>
    private static ValueTask<object?> NeverStored(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        context.HttpContext.Response.Headers.CacheControl = "no-store";
        return next(context);
    }
}
