using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages;

/// <summary>The step reports of all stages, the newest of each up to a bound. Thread-safe.</summary>
public sealed class StepLog
{
    private const int Capacity = 200_000;

    private readonly Lock _lock = new();
    private readonly Queue<StepReport> _reports = new();
    private readonly Dictionary<int, long> _lastStep = [];

    /// <summary>Raised with what was added, in the order of arrival of each stage's reports.</summary>
    public event Action<IReadOnlyList<StepReport>>? Added;

    public void Add(IReadOnlyList<StepReport> reports)
    {
        lock (_lock)
        {
            foreach (var report in reports)
            {
                _reports.Enqueue(report);
                _lastStep[report.StageIndex] = report.Step;
                if (_reports.Count > Capacity)
                {
                    _reports.Dequeue();
                }
            }
        }

        Added?.Invoke(reports);
    }

    /// <summary>All reports so far, in order of arrival.</summary>
    public IReadOnlyList<StepReport> Snapshot()
    {
        lock (_lock)
        {
            return [.. _reports];
        }
    }

    /// <summary>Nothing was told since the beginning, or since the last <see cref="Clear"/>.</summary>
    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _reports.Count == 0;
            }
        }
    }

    public void Clear()
    {
        lock (_lock)
        {
            _reports.Clear();
        }
    }

    /// <summary>Stages gather their reports for a moment; this waits until all have told of a step, or the patience ends.</summary>
    public async Task WaitForAsync(long step, int stages, TimeSpan patience)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (long)(patience.TotalSeconds * TimeProvider.System.TimestampFrequency);
        while (!HasAll(step, stages) && TimeProvider.System.GetTimestamp() < deadline)
        {
            await Task.Delay(5);
        }
    }

    private bool HasAll(long step, int stages)
    {
        lock (_lock)
        {
            return Enumerable.Range(0, stages).All(stage => _lastStep.GetValueOrDefault(stage) >= step);
        }
    }
}
