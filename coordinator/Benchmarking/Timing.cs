namespace Pipeline.Coordinator.Benchmarking;

/// <summary>The measured part of a repetition: a span in nanoseconds, what was done in it, and single waits inside it.</summary>
public sealed record Timing(long From, long To, int Tokens, IReadOnlyList<double> LatencyMilliseconds)
{
    public double Seconds => (To - From) / 1e9;

    public double TokensPerSecond => Tokens / Seconds;
}
