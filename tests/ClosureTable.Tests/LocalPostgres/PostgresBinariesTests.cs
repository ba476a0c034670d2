using ClosureTable.LocalPostgres;

namespace ClosureTable.Tests.LocalPostgres;

/// <summary>What is found on a machine, and what is said where nothing is.</summary>
public sealed class PostgresBinariesTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Without_PostgreSQL_and_Docker_the_message_says_what_to_do_on_each_kind_of_machine()
    {
        using var directory = new TemporaryDirectory();
        var bare = directory.Options with { SearchDirectories = [], Docker = "no-such-docker" };
        var error = await Assert.ThrowsAsync<PostgresNotFoundException>(() => directory.Start(bare));
        foreach (var word in (string[])["apt-get install postgresql", "brew install", "winget install", "Docker", "LocalPostgres__BinDirectory", "ConnectionStrings__Comments"])
            Assert.Single(error.Message.Split('\n'), line => line.Contains(word, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_directory_that_is_named_is_the_only_one_looked_at()
    {
        using var directory = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<PostgresNotFoundException>(() => directory.Start(directory.Options with { BinDirectory = "/nowhere" }));
        Assert.Contains("in LocalPostgres__BinDirectory, /nowhere", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_version_that_is_too_old_is_passed_over_and_named()
    {
        using var directory = new TemporaryDirectory();
        var old = await WithPrograms(directory, "9.6.24");
        var error = await Assert.ThrowsAsync<PostgresNotFoundException>(() => PostgresBinaries.Find(new() { SearchDirectories = [old] }, null, Ct));
        Assert.Contains($"There is version 9 in {old}.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task New_data_take_the_first_version_found_and_old_data_the_one_that_made_them()
    {
        using var directory = new TemporaryDirectory();
        var options = new LocalPostgresOptions { SearchDirectories = ["/nowhere", await WithPrograms(directory, "17.2"), await WithPrograms(directory, "16.6 (Debian 16.6-1)")] };
        Assert.Equal(17, (await PostgresBinaries.Find(options, dataVersion: null, Ct)).Version);
        Assert.Equal(16, (await PostgresBinaries.Find(options, dataVersion: 16, Ct)).Version);
        await Assert.ThrowsAsync<PostgresNotFoundException>(() => PostgresBinaries.Find(options, dataVersion: 15, Ct));
    }

    [Fact]
    public async Task A_client_without_the_server_is_not_enough()
    {
        using var directory = new TemporaryDirectory();
        var client = await WithPrograms(directory, "17.2");
        File.Delete(Path.Combine(client, "initdb"));
        await Assert.ThrowsAsync<PostgresNotFoundException>(() => PostgresBinaries.Find(new() { SearchDirectories = [client] }, null, Ct));
    }

    [Fact]
    public void Folders_of_a_distribution_are_searched_from_the_newest_version_down()
    {
        using var directory = new TemporaryDirectory();
        foreach (var version in (string[])["postgresql@9", "postgresql@15", "postgresql@100", "postgresql@latest", "mysql@8"])
            Directory.CreateDirectory(Path.Combine(directory.Path, version));
        Assert.Equal(["postgresql@100", "postgresql@15", "postgresql@9"],
            PostgresBinaries.Below(directory.Path, "postgresql@", "bin").Select(bin => Path.GetFileName(Path.GetDirectoryName(bin))));
        Assert.Empty(PostgresBinaries.Below("/nowhere", "", "bin"));
    }

    [Theory]
    [InlineData("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15)]
    [InlineData("postgres (PostgreSQL) 18beta1", 18)]
    [InlineData("bash: postgres: command not found", null)]
    public void The_major_version_is_read_from_what_the_server_says(string answer, int? version) =>
        Assert.Equal(version, PostgresBinaries.ParseVersion(answer));

    /// <summary>A directory with the three programs, which say their version and do nothing else.</summary>
    private static async Task<string> WithPrograms(TemporaryDirectory directory, string version)
    {
        var bin = Directory.CreateDirectory(Path.Combine(directory.Path, version)).FullName;
        foreach (var program in (string[])["initdb", "pg_ctl", "postgres"])
            await TemporaryDirectory.WriteScript(Path.Combine(bin, program), $"echo 'postgres (PostgreSQL) {version}'");
        return bin;
    }
}
