namespace ClosureTable.Api.Commands.Seeding;

/// <summary>The shape of a generated thread.</summary>
internal enum ThreadShape
{
    /// <summary>
    /// Like real discussions: a fifth of the replies go to the root, most to recent comments. 5 to 6.5 closure rows per comment, at most
    /// 30 levels.
    /// </summary>
    Reddit,

    /// <summary>Each comment replies to the previous one; at the maximum depth a new chain starts at the root.</summary>
    Chain,

    /// <summary>All comments reply to the root.</summary>
    Star,

    /// <summary>Each comment replies to a random earlier one.</summary>
    Random,
}

/// <summary>A generated comment; references are indexes into its thread.</summary>
/// <param name="Parent">The index of the parent, which comes before it; -1 for the root.</param>
/// <param name="Depth">The depth; a root has 0.</param>
/// <param name="Content">A few plausible sentences.</param>
/// <param name="Author">The index of the author among the users.</param>
/// <param name="CreatedAt">Later than the previous comment, in whole microseconds, as PostgreSQL stores them.</param>
/// <param name="FirstLike">The index of the first user who likes it; the others follow.</param>
/// <param name="Likes">The number of likes.</param>
internal readonly record struct GeneratedComment(int Parent, int Depth, string Content, int Author, DateTime CreatedAt, int FirstLike, int Likes);

/// <summary>Generates threads from a seed: the same seed gives the same threads.</summary>
/// <param name="shape">The shape of the trees.</param>
/// <param name="maxDepth">The maximum depth, for every shape.</param>
/// <param name="users">The number of users who write and like.</param>
/// <param name="now">All comments are older than this.</param>
/// <param name="seed">The seed.</param>
internal sealed class ThreadGenerator(ThreadShape shape, int maxDepth, int users, DateTime now, int seed)
{
    private const int RedditDepth = 30;
    private const int RedditMemory = 100;

    /// <summary>Sizes of the threads that add up to the number of comments: a few large, many small, none empty.</summary>
    public static int[] Sizes(int threads, int comments, int seed)
    {
        var random = new Random(seed);
        // Pareto distribution with exponent 1: the tenth thread has a tenth of the first one's comments, as in forums.
        var weights = Enumerable.Range(1, threads).Select(rank => 1.0 / rank).ToArray();
        random.Shuffle(weights);
        var scale = (comments - threads) / weights.Sum();
        var sizes = weights.Select(weight => 1 + (int)(weight * scale)).ToArray();
        var largest = Array.IndexOf(sizes, sizes.Max());
        sizes[largest] += comments - sizes.Sum();
        return sizes;
    }

    /// <param name="thread">The number of the thread; each has its own random sequence, so that threads can be generated in any order.</param>
    /// <param name="count">The number of comments, at least 1.</param>
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

    // Not System.HashCode, which differs between processes.
    private static int HashCode(int seed, int thread) => unchecked((seed * (int)2654435761) ^ (thread * 40503) ^ thread << 16);
}
