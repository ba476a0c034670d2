using System.Globalization;
using ClosureTable.Api.Accounts;

namespace ClosureTable.Bench;

/// <summary>CPU time and memory of a process, from <c>/proc</c>.</summary>
internal static class Processes
{
    // USER_HZ, which is always 100 in /proc.
    private const int TicksPerSecond = 100;

    /// <summary>User and system time of all threads since the process started.</summary>
    public static TimeSpan CpuTime(int pid) => Ticks(Stat(pid), 11, 12);

    /// <summary>The same for a process and its children, including those that have exited: PostgreSQL has one process per connection.</summary>
    public static TimeSpan CpuTimeOfTree(int pid)
    {
        var time = CpuTime(pid) + CpuTimeOfEndedChildren(pid);
        foreach (var child in Children(pid))
        {
            try
            {
                time += CpuTime(child);
            }
            catch (IOException)
            {
                // It exited after it was listed.
            }
        }

        return time;
    }

    public static TimeSpan CpuTimeOfEndedChildren(int pid) => Ticks(Stat(pid), 13, 14);

    public static int Parent(int pid) => int.Parse(Stat(pid)[1], CultureInfo.InvariantCulture);

    private static IEnumerable<int> Children(int pid) =>
        File.ReadAllText($"/proc/{pid}/task/{pid}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));

    /// <summary>Resident memory in megabytes.</summary>
    public static double ResidentMegabytes(int pid) => StatusKilobytes(pid, "VmRSS") / 1024.0;

    /// <summary>Peak resident memory in megabytes since <see cref="ResetPeak"/>.</summary>
    public static double PeakMegabytes(int pid) => StatusKilobytes(pid, "VmHWM") / 1024.0;

    public static void ResetPeak(int pid) => File.WriteAllText($"/proc/{pid}/clear_refs", "5");

    private static long StatusKilobytes(int pid, string name)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private static TimeSpan Ticks(string[] fields, int user, int system) => TimeSpan.FromSeconds(
        (long.Parse(fields[user], CultureInfo.InvariantCulture) + long.Parse(fields[system], CultureInfo.InvariantCulture)) / (double)TicksPerSecond);

    /// <summary>The fields of <c>/proc/PID/stat</c> after the name, which may contain anything and ends with the last parenthesis.</summary>
    private static string[] Stat(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }
}
