using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace ClosureTable.Tests.Fixture;

/// <summary>Lets a test say which address the other end of its connection has: the test server has no connections.</summary>
internal static class Peers
{
    private const string Header = "X-Test-Peer";

    private static int addresses;

    public static IWebHostBuilder ConfigurePeers(this IWebHostBuilder host) =>
        host.ConfigureServices(services => services.AddSingleton<IStartupFilter, SetPeer>());

    public static HttpClient From(this HttpClient client, string address)
    {
        client.DefaultRequestHeaders.Add(Header, address);
        return client;
    }

    /// <summary>An address of the network for documentation that no other test has.</summary>
    public static string NewAddress() => $"2001:db8:0:{Interlocked.Increment(ref addresses):x}::1";

    private sealed class SetPeer : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, rest) =>
            {
                if (context.Request.Headers[Header] is [{ } address])
                    context.Connection.RemoteIpAddress = IPAddress.Parse(address);
                return rest(context);
            });
            next(app);
        };
    }
}
