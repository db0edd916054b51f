namespace Pipeline.Coordinator.Tests.LoadGeneration;

/// <summary>A clock of milliseconds that only a script moves; waiting moves it too, so that nobody really waits.</summary>
internal sealed class ScriptedClock : TimeProvider
{
    private readonly Lock _lock = new();
    private long _now;

    public override long TimestampFrequency => 1000;

    public override long GetTimestamp() => Interlocked.Read(ref _now);

    public void Advance(long milliseconds) => Interlocked.Add(ref _now, milliseconds);

    /// <summary>Timers of an hour or more are somebody's patience, and never go off.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime >= TimeSpan.Zero && dueTime < TimeSpan.FromHours(1))
        {
            lock (_lock)
            {
                Advance((long)Math.Ceiling(dueTime.TotalMilliseconds));
            }

            return System.CreateTimer(callback, state, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        return System.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
