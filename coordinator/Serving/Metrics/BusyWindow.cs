namespace Pipeline.Coordinator.Serving.Metrics;

/// <summary>Shares of the last seconds in which each stage computed. Thread-safe.</summary>
internal sealed class BusyWindow(TimeProvider timeProvider)
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly long _began = timeProvider.GetTimestamp();
    private readonly Queue<(long At, int Stage, long Nanoseconds)> _steps = new();

    public void Add(int stage, long nanoseconds)
    {
        lock (_lock)
        {
            _steps.Enqueue((timeProvider.GetTimestamp(), stage, nanoseconds));
            ForgetNeedsLock();
        }
    }

    public double[] Ratios(int stages)
    {
        lock (_lock)
        {
            ForgetNeedsLock();
            var span = Math.Max(1e-9, Math.Min(Length.TotalSeconds, timeProvider.GetElapsedTime(_began).TotalSeconds));
            var busy = new double[stages];
            foreach (var (_, stage, nanoseconds) in _steps)
            {
                busy[stage] += nanoseconds / 1e9;
            }

            // A step that began before the window counts as a whole, so the sum may be a little more than there is.
            return Array.ConvertAll(busy, seconds => Math.Clamp(seconds / span, 0, 1));
        }
    }

    private void ForgetNeedsLock()
    {
        while (_steps.TryPeek(out var oldest) && timeProvider.GetElapsedTime(oldest.At) > Length)
        {
            _steps.Dequeue();
        }
    }
}
