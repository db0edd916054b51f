using System.Globalization;

namespace Pipeline.StageWorker.Tests.HostileBytes;

/// <summary>The most memory that this process has held at any moment of some work.</summary>
internal static class Bounded
{
    /// <summary>Far more than honest work of this size needs, far less than any announced length would take.</summary>
    private const long Most = 512L << 20;

    public static async Task RunAsync(Func<Task> work)
    {
        File.WriteAllText("/proc/self/clear_refs", "5"); // forgets the peak
        var before = Read("VmRSS:");
        await work();
        var grown = Read("VmHWM:") - before;
        Assert.True(grown < Most, $"{grown >> 20} MiB were taken at some moment; {Most >> 20} are allowed");
    }

    private static long Read(string key)
    {
        var line = File.ReadLines("/proc/self/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }
}
