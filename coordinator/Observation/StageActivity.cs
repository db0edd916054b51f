namespace Pipeline.Coordinator.Observation;

/// <summary>How a stage spent the last moments, as shares of them; together they make 1.</summary>
/// <param name="Waiting">Something was in the pipe, but not here: the bubble.</param>
/// <param name="Idle">Nothing was in the pipe.</param>
internal readonly record struct StageActivity(double Busy, double Sending, double Waiting, double Idle)
{
    public static IReadOnlyList<StageActivity> Of(IReadOnlyList<StepSpan> steps, int stages, long from, long to)
    {
        var length = Math.Max(1, to - from);
        var active = Math.Min(length, ActiveTime(steps, from, to));
        var result = new StageActivity[stages];
        for (var stage = 0; stage < stages; stage++)
        {
            var own = steps.Where(step => step.Stage == stage).ToList();
            var busy = own.Sum(step => Overlap(step.Started, step.Finished, from, to));
            var sending = own.Sum(step => Overlap(step.Finished, step.Sent, from, to));
            // Sending overlaps the next step's computation: what is computed meanwhile counts as busy.
            sending = Math.Clamp(sending, 0, Math.Max(0, active - busy));
            busy = Math.Min(busy, active);
            result[stage] = new StageActivity(
                (double)busy / length, (double)sending / length, (double)(active - busy - sending) / length, (double)(length - active) / length);
        }

        return result;
    }

    /// <summary>Share of the time in which something was in the pipe that the stages did not compute; 0 when nothing was.</summary>
    public static double BubbleOf(IReadOnlyList<StageActivity> stages)
    {
        var active = stages.Sum(stage => 1 - stage.Idle);
        return active > 0 ? 1 - (stages.Sum(stage => stage.Busy) / active) : 0;
    }

    /// <summary>Time in which at least one step was between the entrance of the first stage and the exit of the last.</summary>
    private static long ActiveTime(IReadOnlyList<StepSpan> steps, long from, long to)
    {
        var spans = steps.GroupBy(step => step.Step)
            .Select(step => (Start: Math.Max(from, step.Min(stage => stage.Received)), End: Math.Min(to, step.Max(stage => stage.Sent))))
            .OrderBy(span => span.Start);
        var (active, end) = (0L, from);
        foreach (var span in spans)
        {
            active += Math.Max(0, span.End - Math.Max(end, span.Start));
            end = Math.Max(end, span.End);
        }

        return active;
    }

    private static long Overlap(long start, long end, long from, long to) => Math.Max(0, Math.Min(end, to) - Math.Max(start, from));
}
