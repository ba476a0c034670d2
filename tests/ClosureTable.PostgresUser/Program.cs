// Uses the private PostgreSQL of the directory in its argument until its standard input ends: a process of its own that tests can kill.
// Says "started" or "adopted" and the connection string when it has the server, "left" when it has given it up.
using ClosureTable.LocalPostgres;
using Microsoft.Extensions.Logging.Abstractions;

var options = new LocalPostgresOptions { DataDirectory = args[0], Durable = false };
await using (var server = await LocalServer.Start(options, NullLogger.Instance, CancellationToken.None))
{
    Console.WriteLine($"{(server.Started ? "started" : "adopted")} {server.ConnectionString}");
    await Console.In.ReadToEndAsync();
}
Console.WriteLine("left");
