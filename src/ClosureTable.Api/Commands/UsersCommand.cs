using System.CommandLine;
using ClosureTable.Api.Accounts;
using ClosureTable.Api.Http;

namespace ClosureTable.Api.Commands;

/// <summary>Manages accounts. There is no default account, so the first moderator is made here.</summary>
internal static class UsersCommand
{
    public static Command Create() => new("users", "List accounts, make moderators, disable accounts.")
    {
        List(),
        Promote(),
        Change("disable", "Disable an account: no login, no refresh, and its access tokens are refused within seconds.",
            (users, user, _, ct) => users.SetDisabled(user, disabled: true, ct), _ => "is disabled"),
        Change("enable", "Let a disabled account sign in again.",
            (users, user, _, ct) => users.SetDisabled(user, disabled: false, ct), _ => "can sign in"),
    };

    private static Command List() => new Command("list", "List the accounts, oldest first.").OnDatabase(async (command, ct) =>
    {
        foreach (var user in await new UserRepository(command.Primary).List(ct))
            command.Output.WriteLine(
                $"{user.Id,6}  {user.Role,-9}  {(user.DisabledAt is null ? "enabled" : "disabled"),-8}  {user.CreatedAt:yyyy-MM-dd}  {user.Email ?? user.Issuer}  {user.Name}");
        return 0;
    });

    private static Command Promote()
    {
        var role = new Option<string>("--role") { Description = "The role, which takes effect at the next refresh or login.", DefaultValueFactory = _ => Roles.Moderator };
        role.AcceptOnlyFromAmong(Roles.User, Roles.Moderator);
        var command = Change("promote", "Give an account a role.",
            (users, user, line, ct) => users.SetRole(user, line.GetRequiredValue(role), ct), line => $"is a {line.GetRequiredValue(role)} from the next refresh or login");
        command.Add(role);
        return command;
    }

    private static Command Change(
        string verb, string description, Func<UserRepository, string, ParseResult, CancellationToken, Task<bool>> change, Func<ParseResult, string> outcome)
    {
        var account = new Argument<string>("email") { Description = "The e-mail address or id of the account." };
        return new Command(verb, description) { account }.OnDatabase(async (command, ct) =>
        {
            var user = command.Line.GetRequiredValue(account);
            var found = await change(new UserRepository(command.Primary), user, command.Line, ct);
            command.Output.WriteLine(found ? $"{user} {outcome(command.Line)}." : $"There is no account {user}; see: users list");
            return found ? 0 : 1;
        });
    }
}
