namespace ClosureTable.Api.Commands.Seeding;

internal enum ThreadShape
{
    /// <summary>Like a real discussion: a fifth of the comments reply to the root, most of the others to recent comments. At most 30 levels.</summary>
    Reddit,

    /// <summary>Each comment replies to the one before; at the maximum depth a new chain begins at the root.</summary>
    Chain,

    /// <summary>All comments reply to the root.</summary>
    Star,

    /// <summary>Each comment replies to a random earlier one.</summary>
    Random,
}

/// <param name="Parent">The index of the parent in the thread; -1 for the root.</param>
/// <param name="CreatedAt">In whole microseconds, like PostgreSQL's times.</param>
/// <param name="FirstLike">The index of the first user who likes it; the following users like it too.</param>
internal readonly record struct GeneratedComment(int Parent, int Depth, string Content, int Author, DateTime CreatedAt, int FirstLike, int Likes);

/// <summary>The same seed gives the same threads.</summary>
internal sealed class ThreadGenerator(ThreadShape shape, int maxDepth, int users, DateTime now, int seed)
{
    private const int RedditDepth = 30;
    private const int RedditMemory = 100;

    /// <summary>The size of each thread: a few are large, many are small, none is empty.</summary>
    public static int[] Sizes(int threads, int comments, int seed)
    {
        var random = new Random(seed);
        // Pareto with exponent 1: the tenth largest thread has a tenth of the comments of the largest.
        var weights = Enumerable.Range(1, threads).Select(rank => 1.0 / rank).ToArray();
        random.Shuffle(weights);
        var scale = (comments - threads) / weights.Sum();
        var sizes = weights.Select(weight => 1 + (int)(weight * scale)).ToArray();
        var largest = Array.IndexOf(sizes, sizes.Max());
        sizes[largest] += comments - sizes.Sum();
        return sizes;
    }

    /// <summary>Each thread has its own random sequence, so that threads can be generated in any order.</summary>
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
