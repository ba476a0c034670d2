namespace ClosureTable.Tests;
public class SmokeTests { [Fact] public void T() => Assert.True(true); }
