namespace Pipeline.Coordinator.Benchmarking;

/// <summary>How a time is distributed; its unit is in the name of whoever holds it.</summary>
public sealed record Distribution(int Count, double P50, double P90, double P99)
{
    /// <summary>Null when nothing was measured.</summary>
    public static Distribution? Of(IReadOnlyList<double> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return values.Count == 0 ? null : new Distribution(values.Count, Percentile.Of(values, 50), Percentile.Of(values, 90), Percentile.Of(values, 99));
    }
}
