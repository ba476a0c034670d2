namespace ClosureTable.Api.Comments;

/// <summary>Is told of every write to a thread: there may be a new row in <c>comments_events</c>.</summary>
internal interface IWriteObserver
{
    /// <summary>A transaction was committed, or may have been. Must not block.</summary>
    void Committed();
}
