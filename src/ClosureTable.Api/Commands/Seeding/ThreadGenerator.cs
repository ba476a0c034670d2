namespace ClosureTable.Api.Commands.Seeding;

/// <summary>How the replies of a generated thread hang together.</summary>
internal enum ThreadShape
{
    /// <summary>As people talk: a fifth answers the root, most go on where something was just said. 5 to 6.5 rows of the tree a comment, at most 30 levels.</summary>
    Reddit,

    /// <summary>Each answers the one before; at the greatest depth the next chain begins at the root.</summary>
    Chain,

    /// <summary>All answer the root.</summary>
    Star,

    /// <summary>Each answers any of those before, all equally likely.</summary>
    Random,
}

/// <summary>A generated comment, its relations as indexes into its thread.</summary>
/// <param name="Parent">The index of the parent, which comes before it; -1 for the root.</param>
/// <param name="Depth">The level; a root has 0.</param>
/// <param name="Content">A few plausible sentences.</param>
/// <param name="Author">The index of its author among the users.</param>
/// <param name="CreatedAt">Later than the comment before, in whole microseconds, as PostgreSQL keeps them.</param>
/// <param name="FirstLike">The index of the first user who likes it; the others follow.</param>
/// <param name="Likes">How many like it.</param>
internal readonly record struct GeneratedComment(int Parent, int Depth, string Content, int Author, DateTime CreatedAt, int FirstLike, int Likes);

/// <summary>Makes threads out of nothing but a number: the same number, the same threads.</summary>
/// <param name="shape">The form of the trees.</param>
/// <param name="maxDepth">The deepest level, for every shape.</param>
/// <param name="users">How many users there are to write and like.</param>
/// <param name="now">The end of time: the newest comment is older.</param>
/// <param name="seed">The number.</param>
internal sealed class ThreadGenerator(ThreadShape shape, int maxDepth, int users, DateTime now, int seed)
{
    private const int RedditDepth = 30;
    private const int RedditMemory = 100;

    /// <summary>Sizes of so many threads that add up to so many comments: a few large, many small, none empty.</summary>
    public static int[] Sizes(int threads, int comments, int seed)
    {
        var random = new Random(seed);
        // Pareto with exponent 1: the tenth thread has a tenth of the first one's comments, as forums have it.
        var weights = Enumerable.Range(1, threads).Select(rank => 1.0 / rank).ToArray();
        random.Shuffle(weights);
        var scale = (comments - threads) / weights.Sum();
        var sizes = weights.Select(weight => 1 + (int)(weight * scale)).ToArray();
        var largest = Array.IndexOf(sizes, sizes.Max());
        sizes[largest] += comments - sizes.Sum();
        return sizes;
    }

    /// <param name="thread">Which thread; each has a random sequence of its own, so that threads can be made in any order.</param>
    /// <param name="count">Its comments, at least 1.</param>
    public GeneratedComment[] Thread(int thread, int count)
    {
        var random = new Random(HashCode(seed, thread));
        var comments = new GeneratedComment[count];
        var begun = now - TimeSpan.FromMinutes(1 + random.NextDouble() * 365 * 24 * 60);
        var pause = Math.Min(TimeSpan.TicksPerMinute * 10, (now - begun).Ticks / count);
        var at = begun;
        for (var index = 0; index < count; index++)
        {
            var parent = index == 0 ? -1 : Parent(random, comments, index);
            comments[index] = new GeneratedComment(
                parent,
                Depth: parent < 0 ? 0 : comments[parent].Depth + 1,
                Prose.Sentences(random),
                Author: random.Next(users),
                CreatedAt: new DateTime(at.Ticks / 10 * 10, DateTimeKind.Utc),
                FirstLike: random.Next(users),
                Likes: Math.Min(users, Likes(random, root: index == 0)));
            at = at.AddTicks(10 + (long)(random.NextDouble() * (pause - 10)));
        }

        return comments;
    }

    private int Parent(Random random, GeneratedComment[] comments, int index)
    {
        var deepest = shape == ThreadShape.Reddit ? Math.Min(RedditDepth, maxDepth) : maxDepth;
        var parent = shape switch
        {
            ThreadShape.Star => 0,
            ThreadShape.Chain => comments[index - 1].Depth < deepest ? index - 1 : 0,
            ThreadShape.Random => random.Next(index),
            _ => random.NextDouble() switch
            {
                < 0.18 => 0,
                < 0.48 => index - 1,
                _ => random.Next(Math.Max(0, index - RedditMemory), index),
            },
        };
        while (comments[parent].Depth >= deepest)
            parent = comments[parent].Parent;
        return parent;
    }

    private static int Likes(Random random, bool root) => random.NextDouble() < (root ? 0.5 : 0.15)
        ? 1 + (int)(-Math.Log(1 - random.NextDouble()) * (root ? 6 : 1.5))
        : 0;

    // Not System.HashCode, which differs from process to process.
    private static int HashCode(int seed, int thread) => unchecked((seed * (int)2654435761) ^ (thread * 40503) ^ thread << 16);
}
