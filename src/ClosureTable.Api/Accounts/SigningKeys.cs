using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;

namespace ClosureTable.Api.Accounts;

/// <summary>The key that signs access tokens, and the one before it, each under a <c>kid</c> that follows from the key.</summary>
internal sealed class SigningKeys
{
    public SigningKeys(IOptions<AuthenticationOptions> options, IConfiguration configuration)
    {
        var settings = options.Value;
        Current = Key(settings.SigningKey is { Length: > 0 } key ? key : DevelopmentKey(settings.SigningKeyFile ?? BesideTheData(configuration)));
        All = settings.PreviousSigningKey is { Length: > 0 } previous ? [Current, Key(previous)] : [Current];
    }

    /// <summary>Signs.</summary>
    public SymmetricSecurityKey Current { get; }

    /// <summary>Those whose signatures are believed.</summary>
    public IReadOnlyList<SymmetricSecurityKey> All { get; }

    /// <summary>A key for another purpose, the same at every instance and after every restart.</summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Current.Key, outputLength: 32, info: Encoding.UTF8.GetBytes(purpose));

    private static SymmetricSecurityKey Key(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        // Every instance with the key derives the same kid, and the kid, which is public, says nothing about the key.
        var kid = Base64UrlEncoder.Encode(HMACSHA256.HashData(bytes, "kid"u8)[..8]);
        return new SymmetricSecurityKey(bytes) { KeyId = kid };
    }

    /// <summary>Made once and kept, so that sessions survive a restart. Only Development gets here: elsewhere the settings' validator insists on a key.</summary>
    private static string DevelopmentKey(string file)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        using var kept = OpenAlone(file);
        if (kept.Length == 0)
        {
            kept.Write(Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(48))));
            kept.Flush(flushToDisk: true);
            kept.Position = 0;
        }

        return new StreamReader(kept).ReadToEnd();
    }

    /// <summary>The file is held exclusively: of several processes that start at once, all use the key of the first.</summary>
    private static FileStream OpenAlone(string file)
    {
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        for (var patience = Stopwatch.StartNew(); ; Thread.Sleep(5))
        {
            try
            {
                return new FileStream(file, options);
            }
            catch (IOException) when (File.Exists(file) && patience.Elapsed < TimeSpan.FromSeconds(10))
            {
                // Another one looks.
            }
        }
    }

    private static string BesideTheData(IConfiguration configuration) => Path.Combine(
        (configuration.GetSection("LocalPostgres").Get<LocalPostgresOptions>() ?? new()).EffectiveDataDirectory, "signing-key");
}
