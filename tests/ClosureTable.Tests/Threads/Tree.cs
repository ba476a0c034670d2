using ClosureTable.Api.Commands.Integrity;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Threads;

internal static class Tree
{
    /// <summary>What <c>verify</c> finds, in the whole database or in one thread.</summary>
    public static async Task<List<Violation>> Violations(this ServiceFixture fixture, long? rootId = null)
    {
        var violations = new List<Violation>();
        await new Verification(fixture.Source()).Run(rootId, violations.Add, progress: null, TestContext.Current.CancellationToken);
        return violations;
    }
}
