using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Commands;

public sealed class CommandLineTests(ServiceFixture fixture)
{
    [Theory]
    [InlineData("frobnicate", "frobnicate")]
    [InlineData("serve frobnicate", "frobnicate")]
    [InlineData("--urls http://127.0.0.1:0 frobnicate", "frobnicate")]
    [InlineData("migrate --stats", "--stats")]
    [InlineData("migrate now", "now")]
    [InlineData("verify --thred 5", "--thred")]
    public async Task What_was_mistyped_is_refused_before_anything_is_done(string commandLine, string mistyped)
    {
        var (exitCode, output, error) = await Cli.Run(
            fixture.ConnectionString, commandLine.Split(' '), ("Authentication__SigningKey", ServiceFixture.SigningKey));

        Assert.Equal(1, exitCode);
        Assert.Empty(output);
        Assert.Contains(mistyped, error, StringComparison.Ordinal);
    }
}
