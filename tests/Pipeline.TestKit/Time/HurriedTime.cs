using System.Collections.Concurrent;

namespace Pipeline.TestKit.Time;

/// <summary>Time that passes fifty times as fast, or more: what the product waits for in seconds is over in hundredths.</summary>
public sealed class HurriedTime(int haste = 50) : TimeProvider
{
    /// <summary>What was waited for, in the product's time.</summary>
    public ConcurrentQueue<TimeSpan> Waits { get; } = [];

    public override long GetTimestamp() => System.GetTimestamp() * haste;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new HurriedTimer(this, System.CreateTimer(callback, state, Hurry(dueTime), Hurry(period)));

    private TimeSpan Hurry(TimeSpan time)
    {
        if (time <= TimeSpan.Zero)
        {
            return time;
        }

        Waits.Enqueue(time);
        return time / haste;
    }

    private sealed class HurriedTimer(HurriedTime time, ITimer timer) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(time.Hurry(dueTime), time.Hurry(period));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
