using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Diagnostics;

/// <summary>How the pipeline spent one phase, prefill or decode: every stage, and the bubble over all of them.</summary>
/// <param name="BubbleShare">Share of all stages' time in which they did not compute.</param>
/// <param name="PredictedBubbleShare">The share that the schedule alone explains, with equal stages and free hops.</param>
public sealed record PhaseUsage(string Phase, double Seconds, long Steps, long Tokens, double BubbleShare, double PredictedBubbleShare, IReadOnlyList<StageUsage> Stages)
{
    /// <summary>Prefill is every step with more tokens than sequences; what follows its last one is decode.</summary>
    public static IReadOnlyList<PhaseUsage> Of(IReadOnlyList<StepReport> reports, int stages, Func<int, double> predictPrefill, double predictedDecode)
    {
        var computing = reports.Where(report => report.Tokens > 0).ToList();
        var lastPrefill = computing.Where(report => report.Tokens > report.Sequences).Select(report => report.Step).DefaultIfEmpty(0).Max();
        var prefill = computing.Where(report => report.Step <= lastPrefill).ToList();
        var decode = computing.Where(report => report.Step > lastPrefill).ToList();
        List<PhaseUsage> phases = [];
        if (prefill.Count > 0)
        {
            phases.Add(Measure("prefill", prefill, stages, predictPrefill(prefill.Select(report => report.Step).Distinct().Count())));
        }

        if (decode.Count > 0)
        {
            phases.Add(Measure("decode", decode, stages, predictedDecode));
        }

        return phases;
    }

    private static PhaseUsage Measure(string phase, List<StepReport> reports, int stages, double predicted)
    {
        var span = reports.Max(report => report.Finished) - reports.Min(report => report.Started);
        var usage = Enumerable.Range(0, stages).Select(stage => MeasureStage(stage, reports.Where(report => report.StageIndex == stage), Math.Max(1, span))).ToList();
        return new PhaseUsage(
            phase,
            span / 1e9,
            usage.Max(stage => stage.Steps),
            reports.Where(report => report.StageIndex == 0).Sum(report => (long)report.Tokens),
            1 - usage.Average(stage => stage.BusyShare),
            predicted,
            usage);
    }

    private static StageUsage MeasureStage(int stage, IEnumerable<StepReport> reports, long span)
    {
        var ordered = reports.OrderBy(report => report.Step).ToList();
        if (ordered.Count == 0)
        {
            return new StageUsage(stage, 0, 0, 0, 0, 0);
        }

        var waiting = ordered.Zip(ordered.Skip(1), (before, after) => Math.Max(0, Math.Min(after.Received, after.Started) - before.Finished)).Sum();
        var busy = ordered.Select(report => report.BusyNanoseconds).Order().ToList();
        return new StageUsage(
            stage, ordered.Count, (double)busy.Sum() / span, (double)waiting / span, (double)ordered.Sum(report => report.Sent - report.Finished) / span, busy[busy.Count / 2] / 1e6);
    }
}
