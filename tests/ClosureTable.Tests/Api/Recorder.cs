using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using ClosureTable.Api.Http;

namespace ClosureTable.Tests.Api;

/// <summary>Holds every answer that passes through against the document, and remembers which operations gave which statuses.</summary>
internal sealed class Recorder(ApiDocument document)
{
    private readonly ConcurrentDictionary<(string Operation, string Status), byte> given = [];
    private readonly ConcurrentQueue<string> violations = [];

    /// <summary>What no answer so far has given, of all that the document names.</summary>
    public IEnumerable<string> Missing =>
        from operation in document.Operations
        from status in operation.Statuses
        where !given.ContainsKey((operation.Id, status))
        select $"{operation} ({operation.Id}) never answered {status}";

    public IReadOnlyCollection<string> Violations => violations;

    public void Note(string violation) => violations.Enqueue(violation);

    /// <summary>A caller of the service at an address, signed in where there is a token.</summary>
    public HttpClient Caller(Uri service, string? token = null)
    {
        var client = new HttpClient(new Tap(this) { InnerHandler = new SocketsHttpHandler { AllowAutoRedirect = false } }) { BaseAddress = service };
        if (token is not null)
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return client;
    }

    private async Task Hold(HttpRequestMessage request, HttpResponseMessage answer)
    {
        var path = request.RequestUri!.AbsolutePath;
        if (document.Find(request.Method, path) is not { } operation)
        {
            if (answer.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed))
                Note($"{request.Method} {path} is not in the document and answers {(int)answer.StatusCode}");
            return;
        }

        given.TryAdd((operation.Id, ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture)), 0);
        foreach (var violation in await document.Violations(operation, answer))
            Note($"{request.Method} {request.RequestUri.PathAndQuery} → {(int)answer.StatusCode}: {violation}");
    }

    private sealed class Tap(Recorder recorder) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
        {
            var answer = await base.SendAsync(request, ct);
            if (answer.Content.Headers.ContentType?.MediaType != "text/event-stream")
                await answer.Content.LoadIntoBufferAsync(ct);
            await recorder.Hold(request, answer);
            return answer;
        }
    }
}
