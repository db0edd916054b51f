using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>The time that results spend between computations, from reports on one clock.</summary>
public static class HopTimes
{
    /// <summary>
    /// From the end of a step's computation until the next stage has read it whole, in microseconds. None where a GPU had the step
    /// before the host of the one in front had seen it end.
    /// </summary>
    public static IReadOnlyList<double> BetweenStages(IReadOnlyList<StepReport> reports)
    {
        var finished = reports.ToDictionary(report => (report.StageIndex, report.Step), report => report.Finished);
        return
        [
            .. from report in reports
               where finished.ContainsKey((report.StageIndex - 1, report.Step))
               select Math.Max(0, report.Received - finished[(report.StageIndex - 1, report.Step)]) / 1e3
        ];
    }

    /// <summary>
    /// From the end of a microbatch's computation in the last stage until the first stage has its next step, in
    /// microseconds: results to the coordinator, the scheduler, and back.
    /// </summary>
    public static IReadOnlyList<double> ThroughCoordinator(IReadOnlyList<StepReport> reports, int stages)
    {
        var left = reports.Where(report => report.StageIndex == stages - 1).ToDictionary(report => report.Step, report => report.Finished);
        var rounds = reports.Where(report => report.StageIndex == 0).OrderBy(report => report.Step).GroupBy(report => report.Microbatch);
        return
        [
            .. from round in rounds
               from pair in round.Zip(round.Skip(1))
               where left.ContainsKey(pair.First.Step)
               select (pair.Second.Received - left[pair.First.Step]) / 1e3
        ];
    }
}
