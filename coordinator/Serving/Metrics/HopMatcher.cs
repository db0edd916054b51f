using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Serving.Metrics;

/// <summary>
/// Puts the reports of neighbours on one step together to the times of a hop. Reports come in any order, and some never come, so
/// only the newest are kept. Thread-safe.
/// </summary>
internal sealed class HopMatcher
{
    private const int Remembered = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<(int Stage, long Step), StepReport> _reports = [];
    private readonly Queue<(int Stage, long Step)> _order = new();

    /// <summary>The hops that this report completes, with each phase in seconds.</summary>
    /// <param name="offsets">Nanoseconds to add to each stage's clock to put all on one axis.</param>
    public IReadOnlyList<(int From, int To, string Phase, double Seconds)> Take(StepReport report, IReadOnlyList<long> offsets)
    {
        lock (_lock)
        {
            var key = (report.StageIndex, report.Step);
            if (_reports.TryAdd(key, report))
            {
                _order.Enqueue(key);
            }

            if (_order.Count > Remembered)
            {
                _reports.Remove(_order.Dequeue());
            }

            var before = _reports.GetValueOrDefault((report.StageIndex - 1, report.Step));
            var after = _reports.GetValueOrDefault((report.StageIndex + 1, report.Step));
            return [.. before is null ? [] : Phases(before, report, offsets), .. after is null ? [] : Phases(report, after, offsets)];
        }
    }

    private static IEnumerable<(int From, int To, string Phase, double Seconds)> Phases(StepReport from, StepReport to, IReadOnlyList<long> offsets)
    {
        var wire = to.Received + offsets[to.StageIndex] - from.Sent - offsets[from.StageIndex];
        (string, long)[] phases = [("serialize", from.Sent - from.Finished), ("wire", wire), ("wait", to.Started - to.Received)];
        // Clocks are compared to within a round trip, which may be more than a hop takes.
        return phases.Select(phase => (from.StageIndex, to.StageIndex, phase.Item1, Math.Max(0, phase.Item2) / 1e9));
    }
}
