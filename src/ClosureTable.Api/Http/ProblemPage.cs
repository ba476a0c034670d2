using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;

namespace ClosureTable.Api.Http;

/// <summary>The page that the <c>type</c> of a problem links to (RFC 9457, 3.1.1): every code and what it means.</summary>
internal static class ProblemPage
{
    public const string Path = "/problems";

    public static void MapProblemPage(this IEndpointRouteBuilder app)
    {
        var page = Render();
        app.MapGet(Path, ContentHttpResult () => TypedResults.Text(page, "text/html", Encoding.UTF8))
            .ExcludeFromDescription()
            .AllowAnonymous()
            .WithMetadata(new ContentSecurityPolicyMetadata(SecurityHeaders.OwnFilesOnly));
    }

    private static string Render()
    {
        var html = new StringBuilder("""
            <!doctype html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <meta name="viewport" content="width=device-width">
              <title>Problems</title>
              <link rel="stylesheet" href="pages.css">
            </head>
            <body>
              <main class="story">
                <h1>Problems</h1>
                <p>The problem codes of this service. <a href="api/doc">The API document</a> lists the codes of each operation.</p>

            """);
        foreach (var status in Problem.All.GroupBy(problem => problem.Status).OrderBy(status => status.Key))
        {
            html.AppendLine($"    <h2>{status.Key} {ReasonPhrases.GetReasonPhrase(status.Key)}</h2>").AppendLine("    <dl>");
            foreach (var problem in status)
                html.AppendLine($"      <dt id=\"{problem.Code}\"><code>{problem.Code}</code></dt><dd>{WebUtility.HtmlEncode(problem.Detail)}</dd>");
            html.AppendLine("    </dl>");
        }

        return html.Append("  </main>\n</body>\n</html>\n").ToString();
    }
}
