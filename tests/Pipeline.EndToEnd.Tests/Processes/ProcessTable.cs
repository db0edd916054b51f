using System.Globalization;

namespace Pipeline.EndToEnd.Tests.Processes;

/// <summary>What the system knows of processes, by id.</summary>
internal static class ProcessTable
{
    /// <summary>Children of a process that still run; zombies do not count.</summary>
    public static IReadOnlySet<int> ChildrenOf(int processId) => Directory.EnumerateDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .Where(id => id > 0 && StatusOf(id) is { State: not 'Z' } status && status.Parent == processId)
        .ToHashSet();

    public static bool IsRunning(int processId) => StatusOf(processId) is { State: not 'Z' };

    /// <summary>Resident memory in bytes.</summary>
    public static long ResidentBytes(int processId) =>
        long.Parse(File.ReadAllText($"/proc/{processId}/statm").Split(' ')[1], CultureInfo.InvariantCulture) * Environment.SystemPageSize;

    /// <summary>The most that was resident since the process began or <see cref="ForgetPeak"/> was called.</summary>
    public static long PeakResidentBytes(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }

    public static void ForgetPeak(int processId) => File.WriteAllText($"/proc/{processId}/clear_refs", "5");

    /// <summary>Waits until a process is gone.</summary>
    public static Task WaitForEndAsync(int processId) => Eventually.HoldsAsync(() => !IsRunning(processId), $"process {processId} has ended");

    private static (char State, int Parent)? StatusOf(int processId)
    {
        try
        {
            // The name stands in parentheses and may hold anything; state and parent follow it.
            var text = File.ReadAllText($"/proc/{processId}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
