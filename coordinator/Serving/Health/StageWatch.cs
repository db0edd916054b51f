using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Health;

/// <summary>Knows when each stage last showed that it advances. Thread-safe.</summary>
internal sealed class StageWatch(int stages, TimeProvider timeProvider)
{
    private readonly Lock _lock = new();
    private readonly (long Step, long At)[] _last = [.. Enumerable.Repeat((0L, timeProvider.GetTimestamp()), stages)];

    public void Take(IReadOnlyList<StepReport> reports)
    {
        lock (_lock)
        {
            var now = timeProvider.GetTimestamp();
            foreach (var report in reports)
            {
                _last[report.StageIndex] = (report.Step, now);
            }
        }
    }

    /// <summary>How long ago the least lively stage advanced.</summary>
    public TimeSpan LongestSilence
    {
        get
        {
            lock (_lock)
            {
                return timeProvider.GetElapsedTime(_last.Min(stage => stage.At));
            }
        }
    }

    public TimeSpan SilenceOf(int stage)
    {
        lock (_lock)
        {
            return timeProvider.GetElapsedTime(_last[stage].At);
        }
    }

    /// <summary>
    /// If one was silent for too long, the stage that holds up the others: the one that is furthest behind. Stages after it are
    /// silent too, but only for want of input, and their silence may be the longer one: stages report when they come to it.
    /// </summary>
    public int? FindSilent(TimeSpan patience)
    {
        lock (_lock)
        {
            return LongestSilence > patience ? Enumerable.Range(0, _last.Length).MinBy(stage => _last[stage].Step) : null;
        }
    }
}
