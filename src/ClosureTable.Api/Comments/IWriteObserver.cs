namespace ClosureTable.Api.Comments;

/// <summary>Notified when there may be new rows in <c>comments_events</c>.</summary>
internal interface IWriteObserver
{
    /// <summary>A transaction was committed, or its outcome is unknown. Must not block.</summary>
    void Committed();
}
