using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace ClosureTable.Api.Http;

/// <summary>Which client a request comes from, also behind proxies.</summary>
internal static class Clients
{
    extension(HttpContext context)
    {
        /// <summary>
        /// What anonymous requests are counted by: the IPv4 address, or the first 64 bits of an IPv6 address, because one client
        /// usually has all addresses of a /64. Empty where there is no address (a Unix socket).
        /// </summary>
        public string ClientAddress => context.Connection.RemoteIpAddress switch
        {
            null => "",
            { IsIPv4MappedToIPv6: true } mapped => mapped.MapToIPv4().ToString(),
            { AddressFamily: AddressFamily.InterNetworkV6 } address => $"{new IPAddress([.. address.GetAddressBytes()[..8], .. new byte[8]])}/64",
            var address => address.ToString(),
        };
    }

    /// <summary>
    /// Trusts <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> from the proxies that <c>ForwardedHeaders:KnownProxies</c>
    /// (addresses) and <c>ForwardedHeaders:KnownNetworks</c> (as in 10.0.0.0/8) name, and from no other client.
    /// </summary>
    public static void UseKnownProxies(this WebApplication app)
    {
        var section = app.Configuration.GetSection("ForwardedHeaders");
        var options = new ForwardedHeadersOptions
        {
            ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto,
            // As many hops as there are known proxies in a row: each is checked.
            ForwardLimit = null,
        };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var text in section.GetSection("KnownProxies").Get<string[]>() ?? [])
            options.KnownProxies.Add(IPAddress.TryParse(text, out var address) ? address
                : throw Invalid($"ForwardedHeaders__KnownProxies__0 and those after it must be IP addresses, as in 10.0.0.5, not '{text}'."));
        foreach (var text in section.GetSection("KnownNetworks").Get<string[]>() ?? [])
            options.KnownIPNetworks.Add(System.Net.IPNetwork.TryParse(text, out var network) ? network
                : throw Invalid($"ForwardedHeaders__KnownNetworks__0 and those after it must be networks, as in 10.0.0.0/8, not '{text}'."));

        // With two empty lists the middleware would trust every client.
        if (options.KnownProxies.Count + options.KnownIPNetworks.Count > 0)
            app.UseForwardedHeaders(options);
    }

    private static OptionsValidationException Invalid(string failure) => new("ForwardedHeaders", typeof(ForwardedHeadersOptions), [failure]);
}
