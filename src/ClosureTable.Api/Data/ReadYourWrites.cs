using System.Runtime.CompilerServices;
using ClosureTable.Api.Http;
using Npgsql;
using NpgsqlTypes;

namespace ClosureTable.Api.Data;

/// <summary>Answers to writes carry the position of the write-ahead log in <c>ClosureTable-Seen</c>; a read that brings it back is never older.</summary>
internal sealed class ReadYourWrites(Database database)
{
    // The box is the request's; what a write puts into it deep down is there when the answer begins.
    private readonly AsyncLocal<StrongBox<NpgsqlLogSequenceNumber?>?> request = new();

    public NpgsqlLogSequenceNumber? Position => request.Value?.Value;

    /// <summary>Notes the position of what was just committed.</summary>
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
            // The write is committed. A position that no standby reaches sends the caller to the primary.
            box.Value = new NpgsqlLogSequenceNumber(ulong.MaxValue);
        }
    }

    public Task Carry(HttpContext context, RequestDelegate next)
    {
        if (database.Replicas is null)
            return next(context);
        // What is no position says nothing: the worst that a made-up one does is to ask the primary.
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
