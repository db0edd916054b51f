namespace Pipeline.Coordinator.Serving.Tracing;

/// <summary>Turns times of the coordinator's monotonic clock into those that traces are written in.</summary>
internal sealed class WallClock(TimeProvider timeProvider)
{
    private readonly DateTimeOffset _now = timeProvider.GetUtcNow();
    private readonly long _timestamp = timeProvider.GetTimestamp();

    /// <param name="nanoseconds">Of the monotonic clock.</param>
    public DateTimeOffset At(long nanoseconds)
    {
        var now = (long)((Int128)_timestamp * 1_000_000_000 / timeProvider.TimestampFrequency);
        return _now.AddTicks((nanoseconds - now) / TimeSpan.NanosecondsPerTick);
    }
}
