using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ClosureTable.Api.Comments.Rendering;

namespace ClosureTable.Api.Live;

/// <summary>A rendered event without its id, shared by all streams that receive it. (The framework's <c>ServerSentEvents</c> has no comments for heartbeats.)</summary>
/// <param name="Version">The thread's version, which is the id if <paramref name="Id"/> is null; 0 for none.</param>
/// <param name="Id">The id in a topic's stream.</param>
/// <param name="Body">From <c>event:</c> to the empty line.</param>
internal readonly record struct EventFrame(long Version, string? Id, ReadOnlyMemory<byte> Body)
{
    public static readonly IReadOnlyList<EventFrame> Heartbeat = [new(0, null, ":\n\n"u8.ToArray())];

    /// <summary>Tells the client to reload, because the events that it missed are not available.</summary>
    public static EventFrame Reset(long version, string? id = null) => new(version, id, "event: reset\ndata: {}\n\n"u8.ToArray());

    /// <summary>An event without name or data, which gives the client an id to resume from before the first event.</summary>
    public static EventFrame Start(long version, string? id = null) => new(version, id, "\n"u8.ToArray());

    /// <summary>Renders an event, with the comment as <c>GET</c> shows it to anonymous callers, without its replies.</summary>
    /// <param name="rows">Existing comments.</param>
    /// <param name="index">The event's comment among them; null if it has been deleted since.</param>
    public static ReadOnlyMemory<byte> Render(ThreadEvent happened, CommentRows rows, int? index)
    {
        var json = JsonBuffer.RenderArray(json =>
        {
            json.WriteStartObject();
            json.WriteNumber("version", happened.Version);
            json.WriteString("kind", happened.Kind);
            json.WriteNumber("comment_id", happened.CommentId);
            json.WriteNumber("thread", happened.RootId);
            json.WritePropertyName("comment");
            if (index is { } found)
            {
                CommentWriter.Open(json, rows, found, signedIn: false);
                json.WriteEndObject();
            }
            else
            {
                json.WriteNullValue();
            }

            if (happened.Data is { } data)
            {
                using var further = JsonDocument.Parse(data);
                foreach (var property in further.RootElement.EnumerateObject())
                    property.WriteTo(json);
            }

            json.WriteEndObject();
        });
        return (byte[])[.. "event: "u8, .. Encoding.ASCII.GetBytes(happened.Kind), .. "\ndata: "u8, .. json, .. "\n\n"u8];
    }

    public void WriteTo(IBufferWriter<byte> output, string idPrefix)
    {
        if (Id is not null || Version > 0)
        {
            var id = Id ?? idPrefix + Version.ToString(CultureInfo.InvariantCulture);
            output.Write("id: "u8);
            Encoding.ASCII.GetBytes(id, output);
            output.Write("\n"u8);
        }

        output.Write(Body.Span);
    }
}
