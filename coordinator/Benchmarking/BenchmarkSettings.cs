namespace Pipeline.Coordinator.Benchmarking;

/// <summary>How every test is measured.</summary>
/// <param name="WarmUps">Repetitions of each test before the first that counts, at least; 0 turns warming up off.</param>
/// <param name="Seed">Of the token ids.</param>
/// <param name="BandwidthGigabytes">Memory bandwidth of one device in GB/s, to compare decode with; null when nobody said.</param>
public sealed record BenchmarkSettings(int Repetitions, int WarmUps, ulong Seed, double? BandwidthGigabytes);
