using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClosureTable.Api.Commands;
using ClosureTable.Api.Comments.Rendering;
using ClosureTable.Api.Http;
using ClosureTable.LocalPostgres;
using ClosureTable.Tests.Fixture;

namespace ClosureTable.Tests.Operations;

/// <summary>The table of settings in docs/operations.md is the truth, or it is worse than none.</summary>
public sealed partial class SettingsDocumentTests
{
    private static readonly Dictionary<string, string> Documented = File.ReadAllLines(Repository.Path("docs/operations.md"))
        .Select(line => Row().Match(line)).Where(match => match.Success)
        .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["default"].Value.Trim());

    /// <summary><c>| `Comments__MaxDepth` | `100` | … |</c></summary>
    [GeneratedRegex(@"^\| `(?<name>[A-Za-z_0-9.]+)` \| (?<default>[^|]*) \|")]
    private static partial Regex Row();

    /// <summary>What the framework and its libraries read, rather than a record of ours.</summary>
    private static readonly string[] Frameworks =
    [
        "ConnectionStrings__Comments", "ConnectionStrings__Direct", "Urls", "ASPNETCORE_ENVIRONMENT", "Explorer__Enabled", "OTEL_EXPORTER_OTLP_ENDPOINT",
        "ForwardedHeaders__KnownProxies__0", "ForwardedHeaders__KnownNetworks__0",
        "Authentication__Schemes__Bearer__Authority", "Authentication__Schemes__Bearer__ValidAudience", "Authentication__Schemes__Bearer__ValidIssuer",
        "Logging__LogLevel__Default", "Logging__Console__FormatterName",
    ];

    private static IEnumerable<(string Name, object? Default)> Settings() =>
        from type in typeof(Program).Assembly.GetTypes().Append(typeof(LocalPostgresOptions))
        where type.IsClass && (type.Name.EndsWith("Settings", StringComparison.Ordinal) || type.Name.EndsWith("Options", StringComparison.Ordinal)) && type.GetMethod("<Clone>$") is not null
        let section = type.GetField("Section")?.GetRawConstantValue() as string ?? type.Name.Replace("Settings", "", StringComparison.Ordinal).Replace("Options", "", StringComparison.Ordinal)
        from property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        where property.SetMethod is not null
        select ($"{(section == "Comment" ? "Comments" : section)}__{property.Name}", property.GetValue(Activator.CreateInstance(type)));

    [Fact]
    public void Every_setting_of_the_program_is_in_the_table_with_its_default()
    {
        var settings = Settings().ToList();
        Assert.Contains(settings, setting => setting.Name == "Comments__MaxDepth");
        Assert.All(settings, setting =>
        {
            var name = setting.Default is Array or System.Collections.IDictionary ? Documented.Keys.FirstOrDefault(key => key.StartsWith(setting.Name + "__", StringComparison.Ordinal)) : setting.Name;
            Assert.True(name is not null && Documented.ContainsKey(name), $"{setting.Name} is not in the table.");
            if (setting.Default is string or bool or int or long or TimeSpan)
                Assert.Equal($"`{Text(setting.Default)}`", Documented[name!]);
        });
    }

    [Fact]
    public void Every_line_of_the_table_is_a_setting_of_the_program()
    {
        var names = Settings().Select(setting => setting.Name).ToList();
        Assert.All(Documented.Keys, documented => Assert.True(
            Frameworks.Contains(documented) || names.Contains(documented) || names.Exists(name => documented.StartsWith(name + "__", StringComparison.Ordinal)),
            $"{documented} is in the table, and nothing reads it."));
        Assert.All(Frameworks, name => Assert.Contains(name, Documented.Keys));
    }

    [Theory]
    [InlineData("appsettings.json")]
    [InlineData("appsettings.Development.json")]
    public void Every_key_of_the_settings_files_is_one_of_the_table(string file)
    {
        var settings = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.Path($"src/ClosureTable.Api/{file}")));
        Assert.All(Keys(settings, ""), key => Assert.Contains(Documented.Keys, documented =>
            key == documented || key.StartsWith("Logging__LogLevel__", StringComparison.Ordinal) || key.StartsWith("Logging__Console__", StringComparison.Ordinal)));

        static IEnumerable<string> Keys(JsonElement json, string prefix) => json.ValueKind == JsonValueKind.Object
            ? json.EnumerateObject().SelectMany(property => Keys(property.Value, prefix.Length == 0 ? property.Name : $"{prefix}__{property.Name}"))
            : [prefix];
    }

    private static string Text(object value) => value switch
    {
        bool flag => flag ? "true" : "false",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
