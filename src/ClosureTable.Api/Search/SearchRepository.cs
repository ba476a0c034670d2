using System.Globalization;
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

/// <summary>What a search result has besides the comment.</summary>
internal readonly record struct Finding(string Snippet, long[] Ancestors);

/// <param name="Findings">By the comment's id.</param>
/// <param name="Ranked">The number of ranked matches; 0 for a page after the last.</param>
internal sealed record Hits(Forest Comments, IReadOnlyDictionary<long, Finding> Findings, int Ranked) : IDisposable
{
    public void Dispose() => Comments.Dispose();
}

internal sealed class SearchRepository(ReplicaReads replica, IOptions<SearchOptions> options) : IDisposable
{
    /// <summary>Private-use characters that mark matches until the rest is escaped; removed from the comments themselves.</summary>
    private const string MatchBegins = "\uE000", MatchEnds = "\uE001";

    /// <summary>8 words and their operators, as <c>numnode</c> counts. The cost of ranking by proximity grows with the square of the number of words.</summary>
    private const int MaxNodes = 15;

    /// <summary>A search for common words can take a core for seconds, so at most half of the cores search at a time.</summary>
    private readonly ConcurrencyLimiter turns = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = Math.Max(1, Environment.ProcessorCount / 2),
        QueueLimit = 32 * Environment.ProcessorCount,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    private static readonly HtmlEncoder Html = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>A cursor is valid only for the same query and text-search configuration.</summary>
    public long Scope(string text) => Cursor.ScopeOf($"{options.Value.Configuration} {text}");

    /// <summary>The comments that match a query, best first. A query with only negated words finds nothing; otherwise it would return most of the table.</summary>
    public async Task<Outcome<Hits>> Find(string text, Cursor? after, int count, long? caller, CancellationToken ct)
    {
        using var turn = await turns.AcquireAsync(cancellationToken: ct);
        return turn.IsAcquired ? await Ranked(text, after, count, caller, ct) : Problem.Busy;
    }

    private Task<Outcome<Hits>> Ranked(string text, Cursor? after, int count, long? caller, CancellationToken ct) =>
        replica.ReadSnapshot<Outcome<Hits>>(async connection =>
        {
            var (nodes, latest) = await connection.QuerySingleAsync<(int Nodes, long Latest)>("""
                select numnode(websearch_to_tsquery(@Configuration::regconfig, @text)), coalesce((select max(id) from comments_comments), 0)
                """, new { options.Value.Configuration, text }, ct);
            if (nodes > MaxNodes)
                return Problem.TooManyWords;

            // Later comments would displace candidates between two pages, so the cursor stores the newest id of the first page.
            var newest = after is { Snapshot: { } begun } ? long.Parse(begun, CultureInfo.InvariantCulture) : latest;
            var found = (await connection.QueryAsync<Found>(Best, new
            {
                options.Value.Configuration,
                options.Value.MaxCandidates,
                text,
                count,
                newest,
                MatchBegins,
                MatchEnds,
                isFirst = after is null,
                rank = BitConverter.Int32BitsToSingle((int)(after?.Key ?? 0)),
                last = after?.Id ?? 0,
            }, ct)).ToList();
            var ranked = found is [var best, ..] ? best.Ranked : 0;
            Cursor? next = null;
            if (found.Count > count)
            {
                found.RemoveAt(count);
                next = new Cursor(
                    CursorList.Search, Scope(text), default, BitConverter.SingleToInt32Bits(found[^1].Rank), found[^1].Id,
                    newest.ToString(CultureInfo.InvariantCulture));
            }

            var comments = await ThreadRepository.Listed(connection, [.. found.Select(hit => hit.Id)], next, caller, ct);
            return new Hits(comments, found.ToDictionary(hit => hit.Id, hit => new Finding(Marked(hit.Headline), hit.Ancestors)), ranked);
        }, ct);

    /// <summary>
    /// Looks for candidates in the newest two blocks of 4,096 ids, then of 32,768 and so on, and finally everywhere, until there are
    /// enough. So a common word costs only as much as its newest matches.
    /// </summary>
    private const string Best = """
        -- The planner overestimates the rows, and would use JIT compilation or parallel workers.
        set local jit = off;
        set local max_parallel_workers_per_gather = 0;

        with recursive asked as (
          select query
          from websearch_to_tsquery(@Configuration::regconfig, @text) query
          where querytree(query) not in ('', 'T')
        ),
        blocks as (
          select level, format('''#%s.%s'' | ''#%s.%s''', bits, @newest >> bits, bits, (@newest >> bits) - 1)::tsquery as newest
          from unnest(array[12, 15, 18, 21]) with ordinality as block (bits, level)
          union all
          select 5, null
        ),
        candidates as (
          select 0::bigint as level, array[]::bigint[] as ids
          union all
          select
            blocks.level,
            array(
              select c.id
              from comments_comments c
              where (c.search || comments_search_ages(c.id)) @@ coalesce(asked.query && blocks.newest, asked.query)
                and c.id <= @newest and c.deleted_at is null
              -- "+ 0" keeps the planner from scanning the primary key in the hope of early matches.
              order by c.id + 0 desc
              limit @MaxCandidates
            )
          from candidates
          join blocks on blocks.level = candidates.level + 1
          cross join asked
          where cardinality(candidates.ids) < @MaxCandidates
        ),
        ranked as (
          select c.id, ts_rank_cd(c.search, asked.query) as rank, count(*) over () as ranked
          from (select ids from candidates order by level desc limit 1) newest
          cross join unnest(newest.ids) candidate (id)
          join comments_comments c on c.id = candidate.id
          cross join asked
        ),
        page as (
          select id, rank, ranked
          from ranked
          where @isFirst or (rank, id) < (@rank, @last)
          order by rank desc, id desc
          limit @count + 1
        )
        select
          page.id, page.rank, page.ranked,
          -- The words joined by "or", because ts_headline can take seconds for a long phrase.
          ts_headline(
            @Configuration::regconfig, translate(c.content, @MatchBegins || @MatchEnds, ''),
            (select string_agg(distinct word[1], ' | ') from regexp_matches(asked.query::text, '(''(?:[^'']|'''')*'')', 'g') word)::tsquery,
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
        cross join asked
        order by page.rank desc, page.id desc
        """;

    /// <summary>Escapes everything including the markers, and then replaces the escaped markers by tags.</summary>
    private static string Marked(string headline) => Html.Encode(headline)
        .Replace(Html.Encode(MatchBegins), "<mark>", StringComparison.Ordinal)
        .Replace(Html.Encode(MatchEnds), "</mark>", StringComparison.Ordinal);

    public void Dispose() => turns.Dispose();

    private sealed record Found
    {
        public long Id { get; init; }
        public float Rank { get; init; }
        public int Ranked { get; init; }
        public string Headline { get; init; } = "";
        public long[] Ancestors { get; init; } = [];
    }
}
