using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Observation;

/// <summary>The newest steps of all stages, up to a bound. Thread-safe.</summary>
/// <param name="clockOffsets">Nanoseconds to add to each stage's clock to put all on the coordinator's.</param>
internal sealed class RecentSteps(IReadOnlyList<long> clockOffsets)
{
    private const int Capacity = 20_000;

    private readonly Lock _lock = new();
    private readonly Queue<StepSpan> _steps = new();

    public void Add(IReadOnlyList<StepReport> reports)
    {
        lock (_lock)
        {
            foreach (var report in reports)
            {
                _steps.Enqueue(StepSpan.Of(report, clockOffsets[report.StageIndex]));
                if (_steps.Count > Capacity)
                {
                    _steps.Dequeue();
                }
            }
        }
    }

    /// <summary>Steps that were still under way at a time or came after it, in the order in which they were told.</summary>
    public IReadOnlyList<StepSpan> Since(long time)
    {
        lock (_lock)
        {
            return [.. _steps.Where(step => step.Sent >= time)];
        }
    }
}
