using System.Text.Json;

namespace ClosureTable.Api.Comments.Rendering;

/// <summary>
/// JSON that is rendered while it is sent, for answers that would take megabytes: the first byte does not wait for the last, and
/// a slow reader holds what the answer is made from, not the answer. What fails on the way cuts the connection; so everything
/// that can fail comes before.
/// </summary>
/// <param name="writeSome">Writes on until the writer wrote about so many bytes in all; tells whether there is more.</param>
/// <param name="source">What it is made from.</param>
internal sealed class JsonInParts(Func<Utf8JsonWriter, long, bool> writeSome, IDisposable source) : IDisposable
{
    private const int PartLength = 64 * 1024;

    public async Task Write(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = RenderedJson.ContentType;
        await using var json = new Utf8JsonWriter(response.BodyWriter, RenderedJson.Options);
        bool more;
        do
        {
            more = writeSome(json, json.BytesCommitted + PartLength);
            json.Flush();
            var sent = await response.BodyWriter.FlushAsync(response.HttpContext.RequestAborted);
            if (sent.IsCompleted)
                return;
        }
        while (more);
    }

    public void Dispose() => source.Dispose();
}
