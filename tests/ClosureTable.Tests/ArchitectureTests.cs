using ArchUnitNET.Domain;
using ArchUnitNET.Fluent.Slices;
using ArchUnitNET.Loader;
using ArchUnitNET.xUnitV3;
using static ArchUnitNET.Fluent.ArchRuleDefinition;

namespace ClosureTable.Tests;

/// <summary>The picture in docs/architecture.md, held against the assembly.</summary>
public sealed class ArchitectureTests
{
    private static readonly Architecture Service = new ArchLoader().LoadAssembly(typeof(Program).Assembly).Build();

    [Fact]
    public void No_folder_depends_on_one_that_depends_on_it() =>
        SliceRuleDefinition.Slices().Matching("ClosureTable.Api.(**)").Should().BeFreeOfCycles().Check(Service);

    [Theory]
    [InlineData("Http", "Data|OpenApi|Operations|Accounts|Comments|Likes|Search|Live|Feeds|Pages|Commands")]
    [InlineData("Data", "OpenApi|Operations|Accounts|Comments|Likes|Search|Live|Feeds|Pages|Commands")]
    [InlineData("Operations", "OpenApi|Accounts|Comments|Likes|Search|Live|Feeds|Pages|Commands")]
    [InlineData("Comments", "OpenApi|Likes|Search|Live|Feeds|Pages|Commands")]
    [InlineData("Accounts|Likes|Search|Live|Feeds|Pages", "OpenApi|Commands")]
    public void A_folder_knows_only_those_below_it(string folders, string others) =>
        Types().That().ResideInNamespaceMatching($@"^ClosureTable\.Api\.({folders})(\.|$)")
            .Should().NotDependOnAny(Types().That().ResideInNamespaceMatching($@"^ClosureTable\.Api\.({others})(\.|$)"))
            .Check(Service);
}
