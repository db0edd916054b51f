using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>The steps of one measured span, on the coordinator's clock.</summary>
public static class StepWindow
{
    /// <summary>Steps that were computed inside the span, cut at its ends, so that what came before and after does not count.</summary>
    /// <param name="clockOffsets">Nanoseconds to add to each stage's clock.</param>
    public static IReadOnlyList<StepReport> Of(IReadOnlyList<StepReport> reports, IReadOnlyList<long> clockOffsets, long from, long to)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(clockOffsets);
        return
        [
            .. from report in reports
               where report.Tokens > 0
               let shifted = Shift(report, clockOffsets[report.StageIndex])
               where shifted.Finished > @from && shifted.Started < to
               select Cut(shifted, @from, to)
        ];
    }

    private static StepReport Shift(StepReport report, long offset) => report with
    {
        Received = report.Received + offset,
        Started = report.Started + offset,
        Finished = report.Finished + offset,
        Sent = report.Sent + offset,
    };

    private static StepReport Cut(StepReport report, long from, long to) => report with
    {
        Received = Math.Clamp(report.Received, from, to),
        Started = Math.Clamp(report.Started, from, to),
        Finished = Math.Clamp(report.Finished, from, to),
        Sent = Math.Clamp(report.Sent, from, to),
    };
}
