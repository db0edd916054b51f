using System.Globalization;

namespace Pipeline.StageWorker.Hosting;

/// <summary>Facts about this host, as Linux tells them.</summary>
public static class HostInfo
{
    public static string ProcessorName => Field("/proc/cpuinfo", "model name") ?? "cpu";

    public static long MemoryTotal => Kilobytes("MemTotal");

    /// <summary>What can be taken without swapping.</summary>
    public static long MemoryAvailable => Kilobytes("MemAvailable");

    /// <summary>Largest resident size of this process so far.</summary>
    public static long PeakResident => Bytes(Field("/proc/self/status", "VmHWM"));

    private static long Kilobytes(string key) => Bytes(Field("/proc/meminfo", key));

    private static long Bytes(string? value) =>
        value is not null && long.TryParse(value.Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var kilobytes) ? kilobytes * 1024 : 0;

    private static string? Field(string file, string key) => File.Exists(file)
        ? File.ReadLines(file).FirstOrDefault(line => line.StartsWith(key, StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
        : null;
}
