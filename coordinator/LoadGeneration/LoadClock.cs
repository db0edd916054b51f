namespace Pipeline.Coordinator.LoadGeneration;

/// <summary>Milliseconds since a run began.</summary>
public sealed class LoadClock
{
    private readonly long _origin;

    public LoadClock(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        TimeProvider = timeProvider;
        _origin = timeProvider.GetTimestamp();
    }

    public TimeProvider TimeProvider { get; }

    public double Now => (TimeProvider.GetTimestamp() - _origin) * 1000.0 / TimeProvider.TimestampFrequency;
}
