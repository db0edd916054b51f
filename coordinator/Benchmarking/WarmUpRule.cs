namespace Pipeline.Coordinator.Benchmarking;

/// <summary>
/// How often a test runs before it counts. .NET compiles hot methods again while they run, so the first repetitions get
/// faster: warming up goes on until one is hardly faster than the best before it, but not for long.
/// </summary>
/// <param name="Minimum">Repetitions in any case; 0 turns warming up off.</param>
public sealed record WarmUpRule(int Minimum)
{
    private const double HardlyFaster = 1.05;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <param name="rates">Throughput of the repetitions so far.</param>
    /// <param name="spent">Time that they took.</param>
    public bool IsOver(IReadOnlyList<double> rates, TimeSpan spent)
    {
        ArgumentNullException.ThrowIfNull(rates);
        if (Minimum == 0 || rates.Count < Minimum)
        {
            return Minimum == 0;
        }

        return spent >= Patience || (rates.Count > 1 && rates[^1] <= HardlyFaster * rates.SkipLast(1).Max());
    }
}
