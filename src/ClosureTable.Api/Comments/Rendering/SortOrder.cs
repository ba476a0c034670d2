using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>The SQL of a sort: its order, and what comes after a given place in it. Ties go by id, in the same direction, so that one row comparison says both.</summary>
internal sealed class SortOrder
{
    private static readonly SortOrder New = new("created_at", descending: true);
    private static readonly SortOrder Old = new("created_at", descending: false);
    private static readonly SortOrder Top = new("like_count", descending: true);

    private readonly string column;
    private readonly string direction;
    private readonly string comparison;

    private SortOrder(string column, bool descending)
    {
        this.column = column;
        direction = descending ? " desc" : "";
        comparison = descending ? "<" : ">";
    }

    public static SortOrder Of(CommentSort sort) => sort switch
    {
        CommentSort.New => New,
        CommentSort.Old => Old,
        _ => Top,
    };

    public string Order(string table, string id) => $"{table}.{column}{direction}, {table}.{id}{direction}";

    /// <summary>The keyset condition, against <c>@key</c> and <c>@last</c>.</summary>
    public string After(string table, string id) => $"({table}.{column}, {table}.{id}) {comparison} (@key, @last)";

    /// <summary>The key of a comment: UTC ticks, or likes.</summary>
    public long Key(DateTime createdAt, int likes) => this == Top ? likes : createdAt.Ticks;

    public NpgsqlParameter KeyParameter(string name, long key) => this == Top
        ? new(name, NpgsqlDbType.Integer) { Value = (int)key }
        : new(name, NpgsqlDbType.TimestampTz) { Value = new DateTime(key, DateTimeKind.Utc) };
}
