namespace Pipeline.Coordinator.Observation;

/// <summary>Steps of one stage that a timeline shows as one, and how much of it the stage computed.</summary>
/// <param name="Microbatch">-1 if they are of several.</param>
internal readonly record struct StepBlock(int Stage, int Microbatch, long Tokens, long Sequences, long Started, long Finished, long Sent, long Busy)
{
    private const int Several = -1;

    /// <summary>
    /// Makes blocks of steps. Those that begin within a resolution of one another are too short to be seen one by one and become one
    /// block, so a stage has no more blocks than its time has resolutions.
    /// </summary>
    public static IEnumerable<StepBlock> Gather(IEnumerable<StepSpan> steps, long resolution)
    {
        foreach (var stage in steps.Where(step => step.Tokens > 0).OrderBy(step => step.Started).GroupBy(step => step.Stage))
        {
            StepBlock? open = null;
            foreach (var step in stage)
            {
                if (open is { } block && step.Started - block.Started < resolution)
                {
                    open = block.With(step);
                    continue;
                }

                if (open is { } closed)
                {
                    yield return closed;
                }

                open = Of(step);
            }

            if (open is { } last)
            {
                yield return last;
            }
        }
    }

    /// <summary>Stage, microbatch, tokens, sequences; and in microseconds start, end and sent before a moment, and the time computed.</summary>
    public long[] Before(long now)
    {
        return [Stage, Microbatch, Tokens, Sequences, Microseconds(now - Started), Microseconds(now - Finished), Microseconds(now - Sent), Microseconds(Busy)];

        // Clocks are compared to within a round trip.
        static long Microseconds(long time) => Math.Max(0, time) / 1000;
    }

    private static StepBlock Of(StepSpan step) =>
        new(step.Stage, step.Microbatch, step.Tokens, step.Sequences, step.Started, step.Finished, step.Sent, step.Finished - step.Started);

    private StepBlock With(StepSpan step) => this with
    {
        Microbatch = Microbatch == step.Microbatch ? Microbatch : Several,
        Tokens = Tokens + step.Tokens,
        Sequences = Sequences + step.Sequences,
        Finished = Math.Max(Finished, step.Finished),
        Sent = Math.Max(Sent, step.Sent),
        Busy = Busy + step.Finished - step.Started,
    };
}
