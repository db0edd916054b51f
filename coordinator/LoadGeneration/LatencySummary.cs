using System.Globalization;
using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>A latency over all requests, in milliseconds.</summary>
/// <param name="Percentiles">By name, for instance p99 or p99.9.</param>
public sealed record LatencySummary(int Count, double Mean, double Median, double StandardDeviation, IReadOnlyDictionary<string, double> Percentiles)
{
    /// <summary>Null when nothing was measured.</summary>
    public static LatencySummary? Of(IReadOnlyList<double> milliseconds, IEnumerable<double> percents)
    {
        ArgumentNullException.ThrowIfNull(milliseconds);
        if (milliseconds.Count == 0)
        {
            return null;
        }

        var statistics = SampleStatistics.Of(milliseconds);
        var ordered = milliseconds.Order().ToArray();
        return new LatencySummary(
            milliseconds.Count, statistics.Mean, statistics.Median, statistics.StandardDeviation, percents.ToDictionary(PercentileName, percent => Percentile.Of(ordered, percent)));
    }

    private static string PercentileName(double percent) => string.Create(CultureInfo.InvariantCulture, $"p{percent}");
}
