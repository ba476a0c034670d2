using System.Text;

namespace ClosureTable.Api.Accounts;

/// <summary>The section <c>Authentication</c>; each can be set by environment variable, as in <c>Authentication__SigningKey</c>.</summary>
internal sealed record AuthenticationOptions
{
    public const string Section = "Authentication";

    /// <summary>Signs access tokens: at least 256 bits of unguessable text. Made by itself in Development only.</summary>
    public string? SigningKey { get; init; }

    /// <summary>After a change of keys: the one before, whose tokens stay good until they expire.</summary>
    public string? PreviousSigningKey { get; init; }

    /// <summary>Where Development keeps the key that it made; by default beside the data of the private PostgreSQL.</summary>
    public string? SigningKeyFile { get; init; }

    /// <summary><c>iss</c> of our own tokens.</summary>
    public string Issuer { get; init; } = "closuretable";

    /// <summary><c>aud</c> of our own tokens.</summary>
    public string Audience { get; init; } = "closuretable";

    public TimeSpan AccessTokenLifetime { get; init; } = TimeSpan.FromMinutes(15);

    public TimeSpan RefreshTokenLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Failed logins for one e-mail address, from any client, before further ones must wait for the end of the window.</summary>
    public int FailedLoginsPerAddress { get; init; } = 10;

    /// <summary>Failed logins of one client, over all addresses.</summary>
    public int FailedLoginsPerClient { get; init; } = 100;

    public TimeSpan FailedLoginWindow { get; init; } = TimeSpan.FromMinutes(15);

    public static void AddTo(IServiceCollection services) => services.AddOptions<AuthenticationOptions>().BindConfiguration(Section)
        .Validate<IHostEnvironment>((settings, environment) => !string.IsNullOrEmpty(settings.SigningKey) || environment.IsDevelopment(),
            "Set Authentication__SigningKey to at least 32 random characters (256 bits), for example the output of: openssl rand -base64 48")
        .Validate(settings => IsLongEnough(settings.SigningKey), TooShort(nameof(SigningKey)))
        .Validate(settings => IsLongEnough(settings.PreviousSigningKey), TooShort(nameof(PreviousSigningKey)))
        .Validate(settings => settings.Issuer.Length > 0, "Authentication__Issuer must not be empty.")
        .Validate(settings => settings.Audience.Length > 0, "Authentication__Audience must not be empty.")
        .Validate(settings => IsUpToOneDay(settings.AccessTokenLifetime),
            "Authentication__AccessTokenLifetime must be between 00:00:01 and 1.00:00:00 (one day): an access token cannot be called back.")
        .Validate(settings => settings.RefreshTokenLifetime >= settings.AccessTokenLifetime && settings.RefreshTokenLifetime <= TimeSpan.FromDays(3650),
            "Authentication__RefreshTokenLifetime must be at least Authentication__AccessTokenLifetime and at most ten years, as in 30.00:00:00.")
        .Validate(settings => settings.FailedLoginsPerAddress > 0, "Authentication__FailedLoginsPerAddress must be at least 1.")
        .Validate(settings => settings.FailedLoginsPerClient > 0, "Authentication__FailedLoginsPerClient must be at least 1.")
        .Validate(settings => IsUpToOneDay(settings.FailedLoginWindow), "Authentication__FailedLoginWindow must be between 00:00:01 and 1.00:00:00 (one day).")
        .ValidateOnStart();

    /// <summary>HS256 asks for a key at least as long as its hash (RFC 7518, 3.2).</summary>
    private static bool IsLongEnough(string? key) => string.IsNullOrEmpty(key) || Encoding.UTF8.GetByteCount(key) >= 32;

    private static string TooShort(string setting) => $"Authentication__{setting} is too short: it must have at least 32 bytes (256 bits).";

    private static bool IsUpToOneDay(TimeSpan time) => time >= TimeSpan.FromSeconds(1) && time <= TimeSpan.FromDays(1);
}
