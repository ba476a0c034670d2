using System.Text.Json;

namespace ClosureTable.Tests.Threads;

/// <summary>What threads are, without a database: nodes that know their parent. Simple enough to be believed.</summary>
internal sealed class ThreadModel
{
    private readonly Dictionary<long, Node> nodes = [];

    internal sealed class Node
    {
        public required long Id { get; init; }
        public long? ParentId { get; set; }
        public string? Content { get; set; }
        public DateTime CreatedAt { get; set; }
        public int Likes { get; set; }
        public HashSet<long> Children { get; } = [];
        public bool Deleted => Content is null;
    }

    public IReadOnlyCollection<long> Ids => nodes.Keys;

    public IEnumerable<Node> Roots => nodes.Values.Where(node => node.ParentId is null);

    public Node this[long id] => nodes[id];

    public bool Contains(long id) => nodes.ContainsKey(id);

    public void Create(long id, long? parentId, string content, DateTime createdAt = default, int likes = 0)
    {
        nodes.Add(id, new Node { Id = id, ParentId = parentId, Content = content, CreatedAt = createdAt, Likes = likes });
        if (parentId is { } parent)
            nodes[parent].Children.Add(id);
    }

    public void Edit(long id, string content)
    {
        Assert.False(nodes[id].Deleted, $"{id} is edited, and was deleted.");
        nodes[id].Content = content;
    }

    public void Like(long id, int delta) => nodes[id].Likes += delta;

    public void Bury(long id)
    {
        Assert.NotEmpty(nodes[id].Children);
        nodes[id].Content = null;
    }

    /// <summary>Removes a comment and all below it; tombstones above it are another removal.</summary>
    /// <returns>How many are gone.</returns>
    public int Remove(long id)
    {
        var doomed = Below(id).ToList();
        if (nodes[id].ParentId is { } parent)
            nodes[parent].Children.Remove(id);
        doomed.ForEach(node => nodes.Remove(node.Id));
        return doomed.Count;
    }

    public void Move(long id, long? parentId)
    {
        Assert.DoesNotContain(Below(id), node => node.Id == parentId);
        if (nodes[id].ParentId is { } from)
            nodes[from].Children.Remove(id);
        nodes[id].ParentId = parentId;
        if (parentId is { } to)
            nodes[to].Children.Add(id);
    }

    /// <summary>A comment and all below it, each before its replies.</summary>
    public IEnumerable<Node> Below(long id)
    {
        var open = new Stack<Node>([nodes[id]]);
        while (open.TryPop(out var node))
        {
            yield return node;
            foreach (var child in node.Children)
                open.Push(nodes[child]);
        }
    }

    public long RootOf(long id)
    {
        while (nodes[id].ParentId is { } parent)
            id = parent;
        return id;
    }

    public int Depth(long id)
    {
        var depth = 0;
        for (; nodes[id].ParentId is { } parent; id = parent)
            depth++;
        return depth;
    }

    /// <summary>Direct replies in the order of a sort.</summary>
    public long[] Replies(long id, string sort)
    {
        var replies = nodes[id].Children.Select(child => nodes[child]);
        return [.. (sort switch
        {
            "old" => replies.OrderBy(node => node.CreatedAt).ThenBy(node => node.Id),
            "new" => replies.OrderByDescending(node => node.CreatedAt).ThenByDescending(node => node.Id),
            _ => replies.OrderByDescending(node => node.Likes).ThenByDescending(node => node.Id),
        }).Select(node => node.Id)];
    }

    /// <summary>Asserts that an answer shows a comment, and all below it, exactly as it is here.</summary>
    public void AssertShown(JsonElement tree, string sort)
    {
        var open = new Stack<JsonElement>([tree]);
        while (open.TryPop(out var shown))
        {
            var id = Fixture.Conversation.Id(shown);
            var node = this[id];
            var children = Fixture.Conversation.Children(shown);
            Assert.Equal(Replies(id, sort), Fixture.Conversation.Ids(children));
            Assert.Equal(
                (node.ParentId, RootOf(id), Depth(id), node.Content, node.Deleted, node.Likes, node.Children.Count, Below(id).Count() - 1),
                (shown.GetProperty("parent_id") is { ValueKind: JsonValueKind.Number } parent ? parent.GetInt64() : null,
                    shown.GetProperty("root_id").GetInt64(), shown.GetProperty("depth").GetInt32(), shown.GetProperty("content").GetString(),
                    shown.GetProperty("deleted").GetBoolean(), shown.GetProperty("like_count").GetInt32(),
                    shown.GetProperty("child_count").GetInt32(), shown.GetProperty("descendant_count").GetInt32()));
            Assert.False(shown.TryGetProperty("more", out _));
            children.ForEach(open.Push);
        }
    }
}
