namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Percentiles with linear interpolation between the two nearest ranks.</summary>
public static class Percentile
{
    public static double Of(IReadOnlyList<double> values, double percent)
    {
        ArgumentNullException.ThrowIfNull(values);
        ArgumentOutOfRangeException.ThrowIfZero(values.Count);
        ArgumentOutOfRangeException.ThrowIfNegative(percent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(percent, 100);
        var ordered = values.Order().ToArray();
        var rank = percent / 100 * (ordered.Length - 1);
        var below = (int)rank;
        var above = Math.Min(below + 1, ordered.Length - 1);
        return ordered[below] + ((rank - below) * (ordered[above] - ordered[below]));
    }
}
