namespace ClosureTable.Api.Http;

/// <summary>What holds when nothing says otherwise.</summary>
internal static class Defaults
{
    /// <summary>appsettings.json lies beside the program, wherever it is started from.</summary>
    public static WebApplicationOptions Options(string[] settings) => new() { Args = settings, ContentRootPath = AppContext.BaseDirectory };

    /// <inheritdoc cref="Options"/>
    public static HostApplicationBuilderSettings CommandOptions(string[] settings) => new() { Args = settings, ContentRootPath = AppContext.BaseDirectory };

    /// <summary>
    /// Listens on http://localhost:8080 unless the configuration names an address in any of the framework's ways. In
    /// appsettings.json the default would win over <c>ASPNETCORE_URLS</c> and <c>ASPNETCORE_HTTP_PORTS</c>.
    /// </summary>
    public static void AddDefaultAddress(this WebApplicationBuilder builder)
    {
        string[] keys = ["urls", "http_ports", "https_ports"];
        if (keys.All(key => string.IsNullOrEmpty(builder.Configuration[key])) && !builder.Configuration.GetSection("Kestrel:Endpoints").Exists())
            builder.WebHost.UseUrls("http://localhost:8080");
    }
}
