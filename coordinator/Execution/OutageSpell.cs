namespace Pipeline.Coordinator.Execution;

/// <summary>
/// Epochs that end before a step has come back, one after the other. Together they are one outage to whoever waits, and after the
/// first few each is rested upon for longer: what keeps them from going on will not have changed at once.
/// </summary>
internal sealed class OutageSpell(TimeProvider timeProvider)
{
    private const int WithoutRest = 2;

    private static readonly TimeSpan FirstRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    private long _epochBegan = timeProvider.GetTimestamp();
    private long? _sent;
    private long _began;
    private int _ends;

    /// <summary>Since the first of these epochs ended.</summary>
    public TimeSpan Elapsed => timeProvider.GetElapsedTime(_began);

    public TimeSpan Rest => _ends <= WithoutRest ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(FirstRest.Ticks << Math.Min(_ends - WithoutRest - 1, 10), LongestRest.Ticks));

    public void StepCompleted() => _ends = 0;

    public void EpochBegins() => (_epochBegan, _sent) = (timeProvider.GetTimestamp(), null);

    public void StepSent() => _sent ??= timeProvider.GetTimestamp();

    /// <summary>One that stood idle for a while is no part of the spell: there was nothing that could have come back.</summary>
    public void EpochEnds()
    {
        var idle = timeProvider.GetElapsedTime(_epochBegan, _sent ?? timeProvider.GetTimestamp());
        _ends = idle > LongestRest ? 1 : _ends + 1;
        _began = _ends == 1 ? timeProvider.GetTimestamp() : _began;
    }
}
