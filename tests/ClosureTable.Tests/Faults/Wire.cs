using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace ClosureTable.Tests.Faults;

/// <summary>Where a connection breaks.</summary>
public enum Cut
{
    /// <summary>The server never hears of the commit.</summary>
    BeforeCommit,

    /// <summary>The server commits, and the client gets no response.</summary>
    AfterCommit,
}

/// <summary>The network between a service and its database, on a loopback port: it can break at a commit, or fall silent.</summary>
internal sealed class Wire : IAsyncDisposable
{
    private static readonly byte[] Commit = [(byte)'Q', 0, 0, 0, 11, .. "COMMIT\0"u8];

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stopping = new();
    private readonly EndPoint server;
    private readonly Task accepting;
    private Cut? armed;
    private TaskCompletionSource? silence;

    public Wire(string connectionString)
    {
        var target = new NpgsqlConnectionStringBuilder(connectionString);
        server = target.Host!.StartsWith('/')
            ? new UnixDomainSocketEndPoint(Path.Combine(target.Host, $".s.PGSQL.{target.Port}"))
            : new IPEndPoint(IPAddress.Loopback, target.Port);
        listener.Start();
        target.Host = IPAddress.Loopback.ToString();
        target.Port = ((IPEndPoint)listener.LocalEndpoint).Port;
        ConnectionString = target.ConnectionString;
        accepting = Accept();
    }

    /// <summary>The server, by this wire.</summary>
    public string ConnectionString { get; }

    /// <summary>Breaks the connection that sends the next commit.</summary>
    public void CutNextCommit(Cut where) => armed = where;

    /// <summary>Nothing gets through, and nothing is refused, until <see cref="Speak"/>.</summary>
    public void FallSilent() => silence = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Speak() => Interlocked.Exchange(ref silence, null)?.SetResult();

    private async Task Accept()
    {
        while (!stopping.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await listener.AcceptSocketAsync(stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            _ = Carry(client);
        }
    }

    private async Task Carry(Socket client)
    {
        using (client)
        using (var postgres = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Unspecified))
        using (var broken = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token))
        {
            try
            {
                await postgres.ConnectAsync(server, broken.Token);
                var deaf = false;
                await Task.WhenAny(Forward(client, postgres, sent: true), Forward(postgres, client, sent: false));

                async Task Forward(Socket from, Socket to, bool sent)
                {
                    var buffer = new byte[64 * 1024];
                    while (await from.ReceiveAsync(buffer, broken.Token) is > 0 and var length)
                    {
                        if (silence is { } silent)
                            await silent.Task.WaitAsync(broken.Token);
                        // The answer to the last commit, which must not arrive.
                        if (!sent && deaf)
                            return;
                        if (sent && armed is { } cut && buffer.AsSpan(0, length).IndexOf(Commit) >= 0)
                        {
                            armed = null;
                            if (cut == Cut.BeforeCommit)
                                return;
                            deaf = true;
                        }

                        await to.SendAsync(buffer.AsMemory(0, length), broken.Token);
                    }
                }
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // One of the ends is gone; the other learns of it by the closing of its socket.
            }

            await broken.CancelAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Speak();
        await stopping.CancelAsync();
        listener.Stop();
        await accepting;
        stopping.Dispose();
    }
}
