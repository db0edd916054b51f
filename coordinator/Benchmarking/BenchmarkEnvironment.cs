using System.Reflection;
using System.Runtime.InteropServices;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Where and with what a benchmark ran.</summary>
/// <param name="Processor">Of the coordinator's host; the stages name their own devices.</param>
public sealed record BenchmarkEnvironment(DateTimeOffset Started, string Version, string Runtime, string OperatingSystem, string Processor, int Cores)
{
    private const string ProcessorFile = "/proc/cpuinfo";

    public static BenchmarkEnvironment Current(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        return new BenchmarkEnvironment(
            timeProvider.GetUtcNow(),
            typeof(BenchmarkEnvironment).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown",
            RuntimeInformation.FrameworkDescription,
            RuntimeInformation.OSDescription,
            ProcessorName(),
            System.Environment.ProcessorCount);
    }

    private static string ProcessorName()
    {
        var line = File.Exists(ProcessorFile) ? File.ReadLines(ProcessorFile).FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?.Split(':', 2)[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
    }
}
