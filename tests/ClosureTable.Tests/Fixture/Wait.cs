using System.Runtime.CompilerServices;

namespace ClosureTable.Tests.Fixture;

/// <summary>Waits on conditions, which are asked again and again until they hold or a minute is over.</summary>
internal static class Wait
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static Task Until(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        Until(() => Task.FromResult(condition()), what);

    /// <param name="condition">What must come true.</param>
    /// <param name="what">The condition in words; its own code where there are none.</param>
    /// <param name="found">What there is instead, for the message of a test that waited in vain.</param>
    public static async Task Until(
        Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "", Func<Task<string>>? found = null)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        deadline.CancelAfter(Patience);
        while (!await condition())
        {
            if (deadline.IsCancellationRequested)
                Assert.Fail($"In vain waited until {what}{(found is null ? "" : $": {await found()}")}");
            await Task.Delay(5, CancellationToken.None);
        }
    }
}
