using System.Text.RegularExpressions;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Security;

/// <summary>The checklist names, for each line, the tests that show it: they must be there.</summary>
public sealed partial class SecurityDocumentTests
{
    private static readonly string[] Lines = File.ReadAllLines(Repository.Path("docs/security.md"));

    /// <summary>As in <c>`LoginTests.A_wrong_password_…`</c>, or the class alone for all its tests.</summary>
    [GeneratedRegex(@"`(?<type>[A-Z]\w+Tests)(\.(?<test>\w+))?`")]
    private static partial Regex TestName();

    [Fact]
    public void Every_test_that_the_checklist_names_exists()
    {
        var named = Lines.SelectMany(line => TestName().Matches(line)).ToList();
        Assert.NotEmpty(named);
        var types = typeof(SecurityDocumentTests).Assembly.GetTypes().Where(type => type.Name.EndsWith("Tests", StringComparison.Ordinal)).ToLookup(type => type.Name);
        Assert.All(named, name =>
        {
            var found = types[name.Groups["type"].Value].ToList();
            Assert.NotEmpty(found);
            if (name.Groups["test"].Success)
                Assert.Contains(found, type => type.GetMethod(name.Groups["test"].Value) is { } method && method.GetCustomAttributes(typeof(FactAttribute), inherit: true).Length > 0);
        });
    }

    [Fact]
    public void Every_line_of_the_checklist_names_a_test_or_says_where_it_is_weak()
    {
        var rows = Lines.Where(line => line.StartsWith("| ", StringComparison.Ordinal) && !line.StartsWith("| --", StringComparison.Ordinal) && !line.Contains("shown by |", StringComparison.Ordinal)).ToList();
        Assert.True(rows.Count > 30);
        Assert.All(rows, row => Assert.Matches(@"`\w+Tests|not tested:|does not apply:|`\.ci/run`", row.Split('|')[^2]));
    }

    [Fact]
    public void Every_risk_of_the_API_Security_Top_10_has_its_line() =>
        Assert.All(Enumerable.Range(1, 10), number => Assert.Contains(Lines, line => line.StartsWith($"| API{number}:2023", StringComparison.Ordinal)));
}
