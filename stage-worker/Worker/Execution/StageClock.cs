namespace Pipeline.StageWorker.Execution;

/// <summary>The stage's monotonic clock in nanoseconds. On Linux all processes of a host share its origin.</summary>
public sealed class StageClock(TimeProvider timeProvider)
{
    public long Now => (long)(timeProvider.GetTimestamp() * (1e9 / timeProvider.TimestampFrequency));
}
