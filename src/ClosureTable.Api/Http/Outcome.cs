namespace ClosureTable.Api.Http;

/// <summary>What came of an attempt: a value, or the problem that stands in its way. Not found is a value here, not an exception.</summary>
internal readonly record struct Outcome<T>(T? Value, Problem? Problem)
{
    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Problem problem) => new(default, problem);
}
