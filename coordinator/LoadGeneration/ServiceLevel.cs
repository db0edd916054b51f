namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>What a user of the server would put up with, in milliseconds; null where nobody said.</summary>
public sealed record ServiceLevel(double? TimeToFirstToken, double? TimePerOutputToken, double? Latency)
{
    /// <summary>All limits hold. A request that failed or showed no text is not good.</summary>
    public bool IsMetBy(RequestOutcome outcome)
    {
        ArgumentNullException.ThrowIfNull(outcome);
        return outcome is { Failure: null, TimeToFirstToken: not null }
            && Holds(outcome.TimeToFirstToken, TimeToFirstToken)
            && Holds(outcome.TimePerOutputToken, TimePerOutputToken)
            && Holds(outcome.Latency, Latency);
    }

    /// <summary>An answer of one token has no time per further token, and keeps every limit on it.</summary>
    private static bool Holds(double? measured, double? limit) => limit is null || measured is null || measured <= limit;
}
