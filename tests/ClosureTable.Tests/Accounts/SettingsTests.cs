using ClosureTable.Api.Accounts;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using ClosureTable.Tests.Fixture;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace ClosureTable.Tests.Accounts;

/// <summary>What the service refuses to start with, and what it says then.</summary>
public sealed class SettingsTests(ServiceFixture fixture)
{
    private const string Key = "a key of more than thirty-two characters";

    [Fact]
    public async Task Outside_development_there_must_be_a_signing_key()
    {
        var (exitCode, _, error) = await Cli.Run(fixture.ConnectionString, ["serve", "--urls", "http://127.0.0.1:0"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("Authentication__SigningKey", error, StringComparison.Ordinal);
        Assert.Contains("256 bits", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everything_that_is_wrong_in_a_section_is_said_at_once_with_the_name_of_its_variable()
    {
        (string Variable, string? Value)[] wrong =
        [
            ("Authentication__SigningKey", "thirty-one characters, one less"),
            ("Authentication__PreviousSigningKey", "short"),
            ("Authentication__AccessTokenLifetime", "00:00:00"),
            ("Authentication__RefreshTokenLifetime", "-00:00:01"),
            ("Authentication__FailedLoginsPerAddress", "0"),
            ("Authentication__FailedLoginsPerClient", "0"),
            ("Authentication__FailedLoginWindow", "2.00:00:00"),
        ];
        var error = await RefusedToStart(wrong);
        Assert.All(wrong, setting => Assert.Contains(setting.Variable, error, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("RateLimits__Writes", "0")]
    [InlineData("RateLimits__Reads", "2000000000")]
    [InlineData("RateLimits__CallersPerAddress", "0")]
    [InlineData("ForwardedHeaders__KnownProxies__0", "proxy.example.org")]
    [InlineData("ForwardedHeaders__KnownNetworks__0", "10.0.0.0/99")]
    [InlineData("Authentication__Schemes__Bearer__Authority", "https://issuer.example.org", "Authentication__Schemes__Bearer__ValidAudience")]
    [InlineData("RateLimits__Reads", "many", "RateLimits:Reads")]
    public async Task A_bad_setting_stops_the_start_with_a_sentence_that_says_which(string variable, string value, string? said = null) =>
        Assert.Contains(said ?? variable, await RefusedToStart([("Authentication__SigningKey", Key), (variable, value)]), StringComparison.Ordinal);

    [Fact]
    public void Sections_that_are_wrong_at_once_are_all_explained() => Assert.Equal($"one{Environment.NewLine}two", Explained.By(new AggregateException(
        new OptionsValidationException("", typeof(object), ["one"]), new OptionsValidationException("", typeof(object), ["two"]))));

    private async Task<string> RefusedToStart((string Variable, string? Value)[] environment)
    {
        var (exitCode, _, error) = await Cli.Run(fixture.ConnectionString, ["serve", "--urls", "http://127.0.0.1:0"], environment);
        Assert.Equal(1, exitCode);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        return error;
    }

    [Fact]
    public void Development_makes_a_key_once_for_all_processes_in_a_private_file()
    {
        var directory = Directory.CreateTempSubdirectory("closuretable-");
        try
        {
            var file = Path.Combine(directory.FullName, "new", "signing-key");
            var settings = Options.Create(new AuthenticationOptions { SigningKeyFile = file });
            var configuration = new ConfigurationBuilder().Build();
            var kids = new string[8];
            Parallel.For(0, kids.Length, start => kids[start] = new SigningKeys(settings, configuration).Current.KeyId);

            Assert.Single(kids.Distinct());
            Assert.Equal([file], Directory.GetFiles(Path.GetDirectoryName(file)!));
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void The_key_of_development_lies_beside_the_data()
    {
        var directory = Directory.CreateTempSubdirectory("closuretable-");
        try
        {
            var configuration = new ConfigurationBuilder()
                .AddInMemoryCollection(new Dictionary<string, string?> { ["LocalPostgres:DataDirectory"] = directory.FullName }).Build();
            _ = new SigningKeys(Options.Create(new AuthenticationOptions()), configuration);
            Assert.Equal("signing-key", Path.GetFileName(Assert.Single(Directory.GetFiles(directory.FullName))));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
