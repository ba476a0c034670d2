using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClosureTable.Api.Commands.Seeding;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using ClosureTable.Api.OpenApi;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Api;

/// <summary>What the API document says, and that it says enough. Whether it is true is the business of <see cref="TourTests"/>.</summary>
public sealed class ApiDocTests(ServiceFixture fixture)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private Task<ApiDocument> Document() => ApiDocument.Load(fixture.Client());

    /// <summary>So that reviewers see a change of the API. UPDATE_API_DOC=1 writes the file anew.</summary>
    [Fact]
    public async Task The_document_is_the_one_that_was_reviewed()
    {
        var path = Path.Combine(RepositoryRoot(), "docs", "openapi.json");
        var now = (await Document()).Json.ToJsonString(Readable).ReplaceLineEndings("\n") + "\n";
        if (Environment.GetEnvironmentVariable("UPDATE_API_DOC") == "1")
            await File.WriteAllTextAsync(path, now, Ct);
        var reviewed = (await File.ReadAllTextAsync(path, Ct)).ReplaceLineEndings("\n");
        if (now == reviewed)
            return;
        var (was, are) = (reviewed.Split('\n'), now.Split('\n'));
        var line = was.Zip(are).TakeWhile(pair => pair.First == pair.Second).Count();
        Assert.Fail($"""
            The API document changed. If that is meant, write docs/openapi.json anew with
              UPDATE_API_DOC=1 dotnet test --filter-method "*{nameof(The_document_is_the_one_that_was_reviewed)}"
            and look at its diff. The first difference is in line {line + 1}:
            - {was.ElementAtOrDefault(line)}
            + {are.ElementAtOrDefault(line)}
            """);
    }

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static string RepositoryRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../.."));

    [Fact]
    public async Task The_document_is_OpenAPI_3_1() =>
        Assert.StartsWith("3.1.", (await Document()).Json["openapi"]!.GetValue<string>());

    [Fact]
    public async Task Every_operation_has_a_name_of_its_own_and_a_summary()
    {
        var operations = (await Document()).Operations;
        Assert.Equal(operations.Count, operations.Select(operation => operation.Id).Distinct().Count());
        Assert.All(operations, operation => Assert.NotEmpty(operation.Json["summary"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Every_parameter_says_what_it_is_and_numbers_say_their_range()
    {
        foreach (var operation in (await Document()).Operations)
        {
            foreach (var parameter in operation.Parameters)
            {
                Assert.False(string.IsNullOrWhiteSpace((string?)parameter.Json["description"]), $"{operation}: {parameter.Name} has no description.");
                if (parameter is { In: "query", Schema: var schema } && schema["type"]!.GetValue<string>() == "integer")
                    Assert.True(schema["minimum"] is not null && schema["maximum"] is not null, $"{operation}: {parameter.Name} has no range.");
            }
        }
    }

    [Fact]
    public async Task Every_property_says_what_it_is()
    {
        foreach (var (name, schema) in (await Document()).Json["components"]!["schemas"]!.AsObject())
        {
            foreach (var (property, described) in schema!["properties"]!.AsObject())
                Assert.False(string.IsNullOrWhiteSpace((string?)described!["description"]), $"{name}.{property} has no description.");
        }
    }

    /// <summary>No name of ours: types, members, SQL, other cases.</summary>
    [Fact]
    public async Task All_names_are_in_snake_case_and_no_text_speaks_of_our_code()
    {
        var document = await Document();
        foreach (var operation in document.Operations)
            Assert.All(operation.Parameters.Where(parameter => parameter.In != "header"), parameter => Assert.Matches("^[a-z]+(_[a-z]+)*$", parameter.Name));
        foreach (var (_, schema) in document.Json["components"]!["schemas"]!.AsObject())
            Assert.All(schema!["properties"]!.AsObject(), property => Assert.Matches("^[a-z]+(_[a-z]+)*$", property.Key));
        Assert.DoesNotMatch(new Regex(@"ClosureTable\.(Api|Tests)|System\.|Microsoft\.|cref=|<see "), document.Json.ToJsonString(Readable));
    }

    [Fact]
    public async Task Everything_that_a_reference_names_is_there()
    {
        var document = await Document();
        var references = Regex.Matches(document.Json.ToJsonString(), "\"\\$ref\":\"#/components/schemas/([^\"]+)\"").Select(match => match.Groups[1].Value).Distinct();
        var schemas = document.Json["components"]!["schemas"]!.AsObject().Select(schema => schema.Key);
        Assert.Equal(schemas.Order(StringComparer.Ordinal), references.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Both_headers_authorize_and_reading_goes_without()
    {
        var document = await Document();
        var schemes = document.Json["components"]!["securitySchemes"]!.AsObject();
        Assert.Contains(schemes, scheme => (string?)scheme.Value!["type"] == "http" && (string?)scheme.Value["scheme"] == "bearer");
        Assert.Contains(schemes, scheme => (string?)scheme.Value!["type"] == "apiKey" && (string?)scheme.Value["name"] == "X-Auth-Token");
        var (list, create) = (document.Find(HttpMethod.Get, "/comments")!, document.Find(HttpMethod.Post, "/comments")!);
        Assert.Equal(3, list.Json["security"]!.AsArray().Count);
        Assert.Contains(list.Json["security"]!.AsArray(), alternative => alternative!.AsObject().Count == 0);
        Assert.Equal(2, create.Json["security"]!.AsArray().Count);
    }

    /// <summary>As a reader does who opens the page and presses Execute, from the top down.</summary>
    [Fact]
    public async Task The_examples_work_when_they_are_sent_as_they_are()
    {
        var document = await Document();
        var anybody = fixture.Client();
        HttpRequestMessage Example(string method, string path) => new RequestTemplate(document, document.Find(new HttpMethod(method), path)!).Request();

        using var registered = await anybody.SendAsync(Example("POST", "/auth/register"), Ct);
        Assert.True(registered.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, $"{registered.StatusCode}");
        var session = await (await anybody.SendAsync(Example("POST", "/auth/login"), Ct)).Json();
        var ann = fixture.Client().With(session.Text("token"));
        var comment = await (await ann.SendAsync(Example("POST", "/comments"), Ct)).Json(HttpStatusCode.Created);
        var edit = new RequestTemplate(document, document.Find(HttpMethod.Patch, "/comments/1")!).With("id", $"{comment.Id()}");
        await (await ann.SendAsync(edit.Request(), Ct)).Json();
        await (await ann.SendAsync(Example("GET", "/comments"), Ct)).Json();
    }

    [Fact]
    public async Task The_document_is_sent_again_only_when_it_changed()
    {
        var client = fixture.Client();
        using var first = await client.Get(ApiDoc.DocumentPath);
        using var again = new HttpRequestMessage(HttpMethod.Get, ApiDoc.DocumentPath);
        again.Headers.IfNoneMatch.Add(first.Headers.ETag!);
        Assert.Equal(HttpStatusCode.NotModified, (await client.SendAsync(again, Ct)).StatusCode);
    }

    [Fact]
    public async Task Swagger_UI_has_no_inline_script_and_takes_everything_from_this_service()
    {
        using var page = await fixture.Client().Get("/api/doc");
        var html = await page.Content.ReadAsStringAsync(Ct);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Equal("/api/doc/index.html", page.RequestMessage!.RequestUri!.AbsolutePath);
        Assert.DoesNotMatch("<script(?![^>]*src=)|https?://", html);
        var policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        foreach (Match file in Regex.Matches(html, "(?:src|href)=\"\\./?([^\"]+)\""))
            Assert.Equal(HttpStatusCode.OK, (await fixture.Client().Get($"/api/doc/{file.Groups[1].Value}")).StatusCode);
    }

    [Fact]
    public async Task The_type_of_a_problem_leads_to_where_it_is_explained()
    {
        var problem = await (await fixture.Client().Get("/comments/9223372036854775807")).Problem(HttpStatusCode.NotFound, "comment_not_found");
        var type = problem.Text("type").Split('#');
        using var page = await fixture.Client().Get(type[0]);
        var html = await page.Content.ReadAsStringAsync(Ct);
        Assert.Equal("text/html", page.Content.Headers.ContentType?.MediaType);
        Assert.Contains($"id=\"{type[1]}\"", html, StringComparison.Ordinal);
        Assert.All(Problem.All, each => Assert.Contains($"id=\"{each.Code}\"", html, StringComparison.Ordinal));
        Assert.Equal(Problem.All.Count, Problem.All.Select(each => each.Code).Distinct().Count());
    }
}
