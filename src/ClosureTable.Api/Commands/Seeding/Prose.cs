namespace ClosureTable.Api.Commands.Seeding;

internal static class Prose
{
    private static readonly string[] Openings =
    [
        "I think", "In my experience", "As far as I remember", "If you ask me,", "After a week with it I can say that", "To be fair,",
        "My colleague swears that", "Measured on a small machine,", "It turns out that", "I was surprised that", "Unless I am mistaken,",
        "Many people say that", "The manual says that", "For a small site", "For a large forum", "Under load",
    ];

    private static readonly string[] Subjects =
    [
        "a closure table", "an adjacency list", "a materialized path", "the nested set model", "a recursive query", "the covering index",
        "the thread row", "a partial index", "the planner", "a foreign key", "a tombstone", "the version counter", "an event stream",
        "a keyset cursor", "the connection pool", "a prepared statement", "the write-ahead log", "a row lock", "the vacuum", "a serializable transaction",
    ];

    private static readonly string[] Verbs =
    [
        "answers", "beats", "costs more than", "explains", "hides", "needs", "outlives", "replaces", "saves", "simplifies", "slows down",
        "speeds up", "survives", "waits for", "wins over", "protects",
    ];

    private static readonly string[] Objects =
    [
        "most of the reads", "a subtree of any depth", "the first page", "every moved branch", "a hundred levels of replies",
        "the breadcrumb", "two writers at once", "a deleted parent", "the count of descendants", "the slowest query", "an unused index",
        "half of the memory", "a deadlock", "the whole thread", "an old snapshot", "the cache", "one round trip", "a long evening",
    ];

    private static readonly string[] Endings =
    [
        "", "", "", ", at least here", ", and that settles it", ", which was unexpected", " when the tree is deep", " when the tree is wide",
        " as soon as people like things", ", but measure it yourself", " on my machine", ", as the article shows", " in PostgreSQL", ", not in theory",
    ];

    private static readonly string[] Remarks =
    [
        "Thank you for writing this up.", "Could you post the plan?", "Which version is that?", "I would not do that in production.",
        "Same here.", "This deserves more likes.", "Please show the numbers.", "Agreed.", "No, the other way round.", "See the reply above.",
    ];

    public static string Sentences(Random random)
    {
        var count = 1 + random.Next(3);
        var sentences = new List<string>(count + 1);
        for (var index = 0; index < count; index++)
            sentences.Add($"{Of(Openings)} {Of(Subjects)} {Of(Verbs)} {Of(Objects)}{Of(Endings)}.");
        if (random.Next(4) == 0)
            sentences.Add(Of(Remarks));
        return string.Join(' ', sentences);

        string Of(string[] words) => words[random.Next(words.Length)];
    }

    public static string Name(int user)
    {
        string[] names = ["Ada", "Boris", "Chiara", "Daniel", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Katya", "Liam", "Mei", "Nadia", "Omar", "Petra"];
        return user < names.Length ? names[user] : $"{names[user % names.Length]} {user / names.Length + 1}";
    }
}
