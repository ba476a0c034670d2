using System.Text.Encodings.Web;
using System.Text.Unicode;
using System.Threading.RateLimiting;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Data;
using ClosureTable.Api.Http;
using Dapper;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Search;

/// <summary>What a search shows of a comment besides the comment.</summary>
/// <param name="Snippet">HTML.</param>
/// <param name="Ancestors">Ids, root first.</param>
internal readonly record struct Finding(string Snippet, long[] Ancestors);

/// <summary>A page of hits.</summary>
/// <param name="Comments">The comments, in the order of their rank.</param>
/// <param name="Findings">By the comment's id.</param>
internal sealed record Hits(Forest Comments, IReadOnlyDictionary<long, Finding> Findings) : IDisposable
{
    public void Dispose() => Comments.Dispose();
}

/// <summary>Full-text search over the words of the comments.</summary>
internal sealed class SearchRepository(ReplicaReads replica, IOptions<SearchOptions> options) : IDisposable
{
    /// <summary>Private-use characters that stand where a match begins and ends until the rest is escaped; taken out of the comments themselves.</summary>
    private const string MatchBegins = "\uE000", MatchEnds = "\uE001";

    /// <summary>Words and what joins them, as <c>numnode</c> counts: 16 words. Ranking by how close words are costs with the square of their number.</summary>
    private const int MaxNodes = 31;

    /// <summary>
    /// A search may take a core for seconds where its words are common. Half of the cores at the most do that, and the rest wait
    /// their turn: the readers keep theirs.
    /// </summary>
    private readonly ConcurrencyLimiter turns = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = Math.Max(1, Environment.ProcessorCount / 2),
        QueueLimit = 32 * Environment.ProcessorCount,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    private static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>A cursor belongs to the words that were searched for, and to how words are made of text.</summary>
    public long Scope(string text) => Cursor.ScopeOf($"{options.Value.Configuration} {text}");

    /// <summary>
    /// The comments that a query finds, the best first. <c>websearch_to_tsquery</c> takes whatever people type: words,
    /// "phrases", or, -without; nothing is a syntax error. A query without a word to look for finds nothing: all
    /// comments without a word would be most of the table.
    /// </summary>
    /// <returns>A page, or why there is none: more words than are looked for at a time, or too many searches under way.</returns>
    public async Task<Outcome<Hits>> Find(string text, Cursor? after, int count, long? caller, CancellationToken ct)
    {
        using var turn = await turns.AcquireAsync(cancellationToken: ct);
        return turn.IsAcquired ? await Ranked(text, after, count, caller, ct) : Problem.Busy;
    }

    private Task<Outcome<Hits>> Ranked(string text, Cursor? after, int count, long? caller, CancellationToken ct) =>
        replica.ReadSnapshot<Outcome<Hits>>(async connection =>
        {
            var nodes = await connection.ExecuteScalarAsync<int>(
                "select numnode(websearch_to_tsquery(@Configuration::regconfig, @text))", new { options.Value.Configuration, text }, ct);
            if (nodes > MaxNodes)
                return Problem.TooManyWords;

            // A word that most comments have means that most are ranked, half a second for 200,000: not on every core at once.
            var found = (await connection.QueryAsync<Found>($"""
                set local max_parallel_workers_per_gather = 0;

                with page as (
                  select hit.id, hit.rank, hit.query
                  from (
                    select c.id, ts_rank_cd(c.search, query) as rank, query
                    from websearch_to_tsquery(@configuration::regconfig, @text) query
                    join comments_comments c on c.search @@ query
                    where c.deleted_at is null and querytree(query) not in ('', 'T')
                  ) hit
                  {(after is null ? "" : "where (hit.rank, hit.id) < (@rank, @last)")}
                  order by hit.rank desc, hit.id desc
                  limit @count + 1
                )
                select
                  page.id, page.rank,
                  -- Any of the words, as tsquery quotes them: ts_headline takes seconds to find a long phrase in a text of one word.
                  ts_headline(
                    @configuration::regconfig, translate(c.content, @MatchBegins || @MatchEnds, ''),
                    (select string_agg(distinct word[1], ' | ') from regexp_matches(page.query::text, '(''(?:[^'']|'''')*'')', 'g') word)::tsquery,
                    format('StartSel=%s, StopSel=%s, MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … "', @MatchBegins, @MatchEnds)
                  ) as headline,
                  array(
                    select up.ancestor_id
                    from comments_tree up
                    join comments_comments ancestor on ancestor.id = up.ancestor_id
                    where up.descendant_id = page.id and up.ancestor_id <> page.id
                    order by ancestor.depth
                  ) as ancestors
                from page
                join comments_comments c on c.id = page.id
                order by page.rank desc, page.id desc
                """,
                new
                {
                    options.Value.Configuration,
                    text,
                    count,
                    MatchBegins,
                    MatchEnds,
                    rank = BitConverter.Int32BitsToSingle((int)(after?.Key ?? 0)),
                    last = after?.Id ?? 0,
                }, ct)).ToList();
            Cursor? next = null;
            if (found.Count > count)
            {
                found.RemoveAt(count);
                next = new Cursor(CursorList.Search, Scope(text), default, BitConverter.SingleToInt32Bits(found[^1].Rank), found[^1].Id);
            }

            var comments = await ThreadRepository.Listed(connection, [.. found.Select(hit => hit.Id)], next, caller, ct);
            return new Hits(comments, found.ToDictionary(hit => hit.Id, hit => new Finding(Marked(hit.Headline), hit.Ancestors)));
        }, ct);

    /// <summary>Escapes everything, the markers too, and then only those become tags.</summary>
    private static string Marked(string headline) => Html.Encode(headline)
        .Replace(Html.Encode(MatchBegins), "<mark>", StringComparison.Ordinal)
        .Replace(Html.Encode(MatchEnds), "</mark>", StringComparison.Ordinal);

    public void Dispose() => turns.Dispose();

    private sealed record Found
    {
        public long Id { get; init; }
        public float Rank { get; init; }
        public string Headline { get; init; } = "";
        public long[] Ancestors { get; init; } = [];
    }
}
