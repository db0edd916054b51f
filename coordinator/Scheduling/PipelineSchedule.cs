namespace Pipeline.Coordinator.Scheduling;

/// <summary>
/// What theory predicts for microbatches in equal stages, to print beside what was measured: one tick is one microbatch in
/// one stage.
/// </summary>
public sealed record PipelineSchedule
{
    public PipelineSchedule(int stages, int microbatches)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(stages, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(microbatches, 1);
        Stages = stages;
        Microbatches = microbatches;
    }

    public int Stages { get; }

    public int Microbatches { get; }

    /// <summary>Ticks until the last of the microbatches has left the last stage.</summary>
    public int PrefillTicks => Microbatches + Stages - 1;

    /// <summary>Idle share of a stage while the microbatches of a prefill pass once.</summary>
    public double PrefillBubble => (double)(Stages - 1) / PrefillTicks;

    /// <summary>Idle share of a stage while so many steps of a prefill pass, of which no more than the microbatches are in the pipe at once.</summary>
    public double PrefillBubbleOf(int steps)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(steps, 1);
        // Fewer than the stages: a step enters when the one that many before it has left.
        var abreast = Math.Min(Microbatches, Stages);
        var last = steps - 1;
        var ticks = ((long)(last / abreast) * Stages) + (last % abreast) + Stages;
        return 1 - ((double)steps / ticks);
    }

    /// <summary>Speed-up of a compute-bound prefill over the same tokens in one microbatch.</summary>
    public double PrefillSpeedup => (double)Microbatches * Stages / PrefillTicks;

    /// <summary>Busy share of a stage in steady decode: a microbatch cannot enter again before its tokens have come round.</summary>
    public double DecodeUtilization => Math.Min(1, (double)Microbatches / Stages);
}
