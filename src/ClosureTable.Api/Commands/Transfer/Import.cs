using System.Text;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Comments;
using ClosureTable.Api.Http;
using Npgsql;

namespace ClosureTable.Api.Commands.Transfer;

/// <summary>The outcome of an import, or of a dry run.</summary>
internal sealed record ImportReport
{
    private const int MaxReasons = 20;

    /// <summary>New comments.</summary>
    public long Comments { get; set; }

    /// <summary>Tombstones among them.</summary>
    public long Tombstones { get; set; }

    /// <summary>Comments from an earlier run, even if they were deleted here since.</summary>
    public long Known { get; set; }

    /// <summary>Accounts created for authors who have none here; they cannot sign in.</summary>
    public long Placeholders { get; set; }

    public long Likes { get; set; }

    /// <summary>Deleted or unpublished comments that were left out because they have no replies.</summary>
    public long Pruned { get; set; }

    /// <summary>Texts cut to the maximum length.</summary>
    public long Shortened { get; set; }

    /// <summary>Comments moved up because of the maximum depth.</summary>
    public long Raised { get; set; }

    /// <summary>Comments that could not be imported.</summary>
    public long Refused { get; private set; }

    /// <summary>The reasons for the first of them.</summary>
    public List<string> Reasons { get; } = [];

    public void Refuse(string reason)
    {
        if (++Refused <= MaxReasons)
            Reasons.Add(reason);
    }
}

/// <summary>
/// Imports threads in transactions of <see cref="BatchSize"/> comments, each of which records the ids it imported: an interrupted
/// run is simply started again. Existing comments do not change.
/// </summary>
internal sealed class Import(NpgsqlDataSource primary, int maxDepth, bool dryRun)
{
    public const int BatchSize = 1000;

    private const int MaxIdLength = 255;

    /// <summary>Comments that come before their parent wait in memory.</summary>
    private const int MaxWaiting = 10_000;

    private static readonly DateTime Earliest = new(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private readonly ImportReport report = new();
    private readonly Dictionary<string, List<TransferComment>> waiting = [];
    private readonly Dictionary<string, TransferComment> buried = [];
    private readonly HashSet<string> wouldBeThere = [];
    private readonly Dictionary<string, TransferUser> newUsers = [];
    private readonly List<TransferComment> batch = [];
    private ImportStore? store;
    private int waitingCount;

    /// <summary>The progress so far.</summary>
    public ImportReport Report => report;

    /// <param name="sourceName">Overrides the name in the header.</param>
    /// <param name="progress">Told after each batch.</param>
    /// <exception cref="TransferFormatException">The file is broken; the batches before it are imported.</exception>
    public async Task<ImportReport> Run(IEnumerable<TransferRecord> records, string? sourceName, Action<ImportReport>? progress, CancellationToken ct)
    {
        try
        {
            foreach (var record in records)
            {
                switch (record)
                {
                    case TransferHeader header:
                        store ??= await ImportStore.Open(primary, sourceName ?? header.Source, maxDepth, ct);
                        break;
                    case TransferUser user:
                        newUsers.TryAdd(user.Id, user with { Name = NameAttribute.Clean(user.Name) ?? "Unknown", Email = new EmailAttribute().IsValid(user.Email) ? user.Email?.Trim() : null });
                        break;
                    case TransferComment comment when Checked(comment) is { } good:
                        batch.Add(good);
                        break;
                    case TransferRefusal refusal:
                        report.Refuse(refusal.Reason);
                        break;
                }

                if (batch.Count < BatchSize)
                    continue;
                await Flush(ct);
                progress?.Invoke(report);
            }

            await Flush(ct);
        }
        finally
        {
            if (store is not null)
                await store.DisposeAsync();
        }

        foreach (var (parent, orphans) in waiting)
            orphans.ForEach(orphan => report.Refuse($"Comment {orphan.Id} replies to {parent}, which is not there."));
        report.Pruned += buried.Count;
        return report;
    }

    /// <summary>The comment within the limits of this service, or null if it is refused.</summary>
    private TransferComment? Checked(TransferComment comment)
    {
        var deleted = comment.DeletedAt is not null || string.IsNullOrWhiteSpace(comment.Content);
        var content = deleted ? "" : Clean(comment.Content!);
        var reason = comment switch
        {
            _ when !IsId(comment.Id) || !IsId(comment.Parent) => "has, or replies to, an id of no or more than 255 characters, or with U+0000",
            _ when !IsId(comment.Author) || comment.Likes?.All(like => IsId(like.User)) == false || comment.Revisions?.All(revision => IsId(revision.Editor)) == false =>
                "names a user by an id of no or more than 255 characters, or with U+0000",
            { Topic: { } topic } when !new TextAttribute(0, TopicAttribute.MaxLength).IsValid(topic) => "has a topic of more than 512 characters",
            _ when comment.CreatedAt < Earliest => "was written before 1970",
            _ => null,
        };
        if (reason is not null)
        {
            report.Refuse($"Comment {comment.Id} {reason}.");
            return null;
        }

        var created = Past(comment.CreatedAt);
        return comment with
        {
            Content = content,
            Topic = comment.Parent is null && !string.IsNullOrWhiteSpace(comment.Topic) ? comment.Topic.Trim() : null,
            Author = deleted ? null : comment.Author ?? "",
            CreatedAt = created,
            EditedAt = comment.EditedAt is { } edited ? Past(edited) : null,
            DeletedAt = deleted ? Past(comment.DeletedAt ?? created) : null,
            Revisions = deleted ? null : comment.Revisions?.Select(revision => revision with { Content = Clean(revision.Content), WrittenAt = Past(revision.WrittenAt) }).ToList(),
            Likes = comment.Likes?.Select(like => like with { At = Past(like.At) }).ToList(),
        };

        // A time in the future would keep a comment at the top of all lists.
        static DateTime Past(DateTime time) => time.ToUniversalTime() is var utc && utc < DateTime.UtcNow ? utc : DateTime.UtcNow;
    }

    private static bool IsId(string? id) => id is null || id.Length is > 0 and <= MaxIdLength && !id.Contains('\0', StringComparison.Ordinal);

    /// <summary>Removes U+0000 and lone surrogates, which PostgreSQL cannot store, and cuts the text to the maximum length.</summary>
    private string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        var length = 0;
        foreach (var rune in text.Trim().EnumerateRunes())
        {
            if (rune.Value == 0)
                continue;
            if (++length > ContentAttribute.MaxLength)
            {
                report.Shortened++;
                break;
            }

            clean.Append(rune.ToString());
        }

        return clean.ToString().Trim();
    }

    private async Task Flush(CancellationToken ct)
    {
        if (store is null)
            return;
        var known = await store.Known([.. batch.Select(comment => comment.Id).Concat(batch.Select(comment => comment.Parent!)).Where(id => id is not null).Distinct()], ct);
        var placed = new List<TransferComment>();
        var placedIds = new HashSet<string>();
        var next = new Queue<TransferComment>(batch);
        batch.Clear();
        while (next.TryDequeue(out var comment))
        {
            if (known.ContainsKey(comment.Id) || wouldBeThere.Contains(comment.Id))
                report.Known++;
            else if (placedIds.Contains(comment.Id) || buried.ContainsKey(comment.Id))
                report.Refuse($"Comment {comment.Id} is there twice.");
            else if (comment.Parent is { } parent && !known.ContainsKey(parent) && !placedIds.Contains(parent) && !buried.ContainsKey(parent) && !wouldBeThere.Contains(parent))
            {
                Wait(parent, comment);
                continue;
            }
            else if (comment.DeletedAt is not null)
                buried.Add(comment.Id, comment);
            else
                Place(comment);

            if (waiting.Remove(comment.Id, out var replies))
            {
                waitingCount -= replies.Count;
                replies.ForEach(next.Enqueue);
            }
        }

        report.Tombstones += placed.Count(comment => comment.DeletedAt is not null);
        report.Comments += placed.Count;
        if (dryRun)
        {
            wouldBeThere.UnionWith(placedIds);
            report.Likes += placed.Sum(comment => comment.Likes?.Count ?? 0);
            newUsers.Clear();
            return;
        }

        await store.Write(placed, known, newUsers, report, ct);
        newUsers.Clear();

        // Tombstones are imported together with the first reply that was not deleted.
        void Place(TransferComment live)
        {
            var line = new Stack<TransferComment>([live]);
            while (line.Peek().Parent is { } above && buried.Remove(above, out var tombstone))
                line.Push(tombstone);
            foreach (var comment in line)
            {
                placed.Add(comment);
                placedIds.Add(comment.Id);
            }
        }
    }

    private void Wait(string parent, TransferComment comment)
    {
        if (++waitingCount > MaxWaiting)
            throw new TransferFormatException($"More than {MaxWaiting:N0} comments come before their parents: the file is not in the order of an export.");
        if (!waiting.TryGetValue(parent, out var others))
            waiting[parent] = others = [];
        others.Add(comment);
    }
}
