using System.CommandLine;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;
using Npgsql;

namespace ClosureTable.Api.Commands;

/// <summary>Manages accounts. There is no default account, so this is how the first moderator is made.</summary>
internal static class UsersCommand
{
    public static Command Create() => new("users", "List accounts, make moderators, lock accounts out.")
    {
        List(),
        Promote(),
        Change("disable", "Lock an account out: no login, no refresh, and its access tokens are refused within seconds.",
            (users, user, ct) => users.SetDisabled(user, disabled: true, ct), "is locked out"),
        Change("enable", "Let a disabled account sign in again.",
            (users, user, ct) => users.SetDisabled(user, disabled: false, ct), "may sign in"),
    };

    private static Command List()
    {
        var command = new Command("list", "List the accounts, oldest first.");
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            foreach (var user in await Users(services).List(ct))
                await output.WriteLineAsync(
                    $"{user.Id,6}  {user.Role,-9}  {(user.DisabledAt is null ? "enabled" : "disabled"),-8}  {user.CreatedAt:yyyy-MM-dd}  {user.Email ?? user.Issuer}  {user.Name}");
            return 0;
        }, ct));
        return command;
    }

    private static Command Promote()
    {
        var role = new Option<string>("--role") { Description = "The role, which takes effect at the next refresh or login.", DefaultValueFactory = _ => Roles.Moderator };
        role.AcceptOnlyFromAmong(Roles.User, Roles.Moderator);
        var user = Account();
        var command = new Command("promote", "Give an account a role.") { user, role };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            var (name, to) = (result.GetRequiredValue(user), result.GetRequiredValue(role));
            return await Report(output, name, await Users(services).SetRole(name, to, ct), $"is a {to} from the next refresh or login on");
        }, ct));
        return command;
    }

    private static Command Change(string verb, string description, Func<UserRepository, string, CancellationToken, Task<bool>> change, string outcome)
    {
        var user = Account();
        var command = new Command(verb, description) { user };
        command.SetAction((result, ct) => DatabaseCommand.Run(result, async (services, output, ct) =>
        {
            var name = result.GetRequiredValue(user);
            return await Report(output, name, await change(Users(services), name, ct), outcome);
        }, ct));
        return command;
    }

    private static Argument<string> Account() => new("email") { Description = "The e-mail address or id of the account." };

    private static UserRepository Users(IServiceProvider services) => new(services.GetRequiredService<NpgsqlDataSource>());

    private static async Task<int> Report(TextWriter output, string user, bool found, string outcome)
    {
        await output.WriteLineAsync(found ? $"{user} {outcome}." : $"There is no account {user}; see: users list");
        return found ? 0 : 1;
    }
}
