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

    /// <summary>The folders, lowest first. Those of one line may use each other, without cycles, and no line uses a later one.</summary>
    private static readonly string[] Layers =
    [
        "Http",
        "Data",
        "Operations",
        "Accounts",
        "Comments",
        "Likes|Search|Live|Feeds|Pages",
        "OpenApi",
        "Commands",
    ];

    public static TheoryData<string, string> LayersWithThoseAbove =>
        new(Enumerable.Range(1, Layers.Length - 1).Select(next => (Layers[next - 1], string.Join('|', Layers[next..]))));

    [Fact]
    public void No_folder_depends_on_one_that_depends_on_it() =>
        SliceRuleDefinition.Slices().Matching("ClosureTable.Api.(**)").Should().BeFreeOfCycles().Check(Service);

    [Theory]
    [MemberData(nameof(LayersWithThoseAbove))]
    public void A_folder_knows_only_those_below_it(string folders, string others) =>
        Types().That().ResideInNamespaceMatching($@"^ClosureTable\.Api\.({folders})(\.|$)")
            .Should().NotDependOnAny(Types().That().ResideInNamespaceMatching($@"^ClosureTable\.Api\.({others})(\.|$)"))
            .Check(Service);

    [Fact]
    public void Every_folder_is_in_a_layer()
    {
        const string parent = "ClosureTable.Api.";
        var folders = typeof(Program).Assembly.GetTypes()
            .Select(type => type.Namespace ?? "")
            .Where(name => name.StartsWith(parent, StringComparison.Ordinal))
            .Select(name => name[parent.Length..].Split('.')[0])
            .ToHashSet();
        var listed = Layers.SelectMany(layer => layer.Split('|')).ToList();
        var (missing, gone) = (string.Join(", ", folders.Except(listed)), string.Join(", ", listed.Except(folders)));
        Assert.True(missing == "", $"Add to Layers in ArchitectureTests, after every folder that it uses, and to docs/architecture.md: {missing}");
        Assert.True(gone == "", $"No longer exists, remove it from Layers in ArchitectureTests: {gone}");
    }
}
