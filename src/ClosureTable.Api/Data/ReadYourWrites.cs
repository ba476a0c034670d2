using System.Runtime.CompilerServices;
using ClosureTable.Api.Http;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Data;

/// <summary>Responses to writes have the WAL position in <c>ClosureTable-Seen</c>. A read that sends it back reflects at least that position.</summary>
internal sealed class ReadYourWrites(Database database)
{
    // A box per request, because callers do not see values that their callees assign to an AsyncLocal.
    private readonly AsyncLocal<StrongBox<NpgsqlLogSequenceNumber?>?> request = new();

    public NpgsqlLogSequenceNumber? Position => request.Value?.Value;

    /// <summary>Stores the position of a commit for the response.</summary>
    public async Task Note(NpgsqlConnection connection)
    {
        if (database.Replicas is null || request.Value is not { } box)
            return;
        try
        {
            await using var command = new NpgsqlCommand("select pg_current_wal_insert_lsn()", connection);
            box.Value = (NpgsqlLogSequenceNumber)(await command.ExecuteScalarAsync(CancellationToken.None))!;
        }
        catch (NpgsqlException)
        {
            // The write is committed, so the request must not fail. With a position that no standby reaches, reads go to the primary.
            box.Value = new NpgsqlLogSequenceNumber(ulong.MaxValue);
        }
    }

    public Task Carry(HttpContext context, RequestDelegate next)
    {
        if (database.Replicas is null)
            return next(context);
        // Invalid positions are ignored; a forged one at worst causes reads from the primary.
        NpgsqlLogSequenceNumber? before = NpgsqlLogSequenceNumber.TryParse(context.Request.Headers[ServiceHeaders.Seen].ToString(), out var position) ? position : null;
        var box = request.Value = new(before);
        context.Response.OnStarting(() =>
        {
            if (box.Value != before)
                context.Response.Headers[ServiceHeaders.Seen] = box.Value.ToString();
            return Task.CompletedTask;
        });
        return next(context);
    }
}
