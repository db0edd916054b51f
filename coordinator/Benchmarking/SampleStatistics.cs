namespace Pipeline.Coordinator.Benchmarking;

/// <summary>What the repetitions of a test amount to. The deviation is that of a sample (n - 1); a single one has none.</summary>
public sealed record SampleStatistics(double Mean, double StandardDeviation, double Median, double Minimum, double Maximum)
{
    public static SampleStatistics Of(IReadOnlyList<double> samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        var mean = samples.Average();
        var squares = samples.Sum(sample => (sample - mean) * (sample - mean));
        return new SampleStatistics(
            mean, samples.Count > 1 ? Math.Sqrt(squares / (samples.Count - 1)) : 0, Percentile.Of(samples, 50), samples.Min(), samples.Max());
    }
}
