namespace Pipeline.Coordinator.Lessons;

/// <summary>A pipeline of equally fast stages, tick by tick, with the use measured on the grid beside the formula's.</summary>
/// <param name="Ticks">Ticks from the first to the last work.</param>
/// <param name="Cells">Who worked when.</param>
/// <param name="Bubble">Idle share of the whole grid, counted.</param>
/// <param name="Utilisation">
/// Busy share, counted: over the whole grid in prefill; in decode over whole rounds once the pipe is full, where fill and drain do not blur it.
/// </param>
/// <param name="PredictedUtilisation">Prefill: M / (M + S - 1). Decode: min(1, M / S).</param>
/// <param name="SpeedUp">Prefill of a fixed batch, bound by computing: gain over one microbatch, M * S / (M + S - 1). Null in decode.</param>
public sealed record ScheduleLesson(
    ScheduleMode Mode,
    int Stages,
    int Microbatches,
    int Steps,
    int Ticks,
    IReadOnlyList<ScheduleCell> Cells,
    double Bubble,
    double Utilisation,
    double PredictedUtilisation,
    double? SpeedUp)
{
    public static ScheduleLesson Prefill(int stages, int microbatches)
    {
        CheckSizes(stages, microbatches);
        var cells = Run(stages, microbatches, steps: 1);
        var ticks = cells.Max(cell => cell.Tick) + 1;
        var use = Use(cells, stages, firstTick: 0, ticks);
        var sum = microbatches + stages - 1.0;
        return new ScheduleLesson(
            ScheduleMode.Prefill, stages, microbatches, 1, ticks, cells, 1 - use, use, microbatches / sum, microbatches * stages / sum);
    }

    public static ScheduleLesson Decode(int stages, int microbatches, int steps)
    {
        CheckSizes(stages, microbatches);
        if (steps < 2)
        {
            throw new UserErrorException($"decode needs at least 2 steps to show a full pipe, got {steps}");
        }

        var cells = Run(stages, microbatches, steps);
        var ticks = cells.Max(cell => cell.Tick) + 1;
        var round = Math.Max(stages, microbatches);
        return new ScheduleLesson(
            ScheduleMode.Decode,
            stages,
            microbatches,
            steps,
            ticks,
            cells,
            1 - Use(cells, stages, firstTick: 0, ticks),
            Use(cells, stages, firstTick: stages - 1, round * (steps - 1)),
            Math.Min(1, (double)microbatches / stages),
            SpeedUp: null);
    }

    /// <summary>Every stage starts a microbatch as soon as it is free and the stage before (or, for a next step, the last stage) is done with it.</summary>
    private static ScheduleCell[] Run(int stages, int microbatches, int steps)
    {
        var cells = new List<ScheduleCell>(stages * microbatches * steps);
        var free = new int[stages];
        var ready = new int[microbatches];
        for (var step = 0; step < steps; step++)
        {
            for (var microbatch = 0; microbatch < microbatches; microbatch++)
            {
                for (var stage = 0; stage < stages; stage++)
                {
                    var tick = Math.Max(free[stage], ready[microbatch]);
                    cells.Add(new ScheduleCell(stage, tick, microbatch, step));
                    free[stage] = ready[microbatch] = tick + 1;
                }
            }
        }

        return [.. cells];
    }

    private static double Use(IEnumerable<ScheduleCell> cells, int stages, int firstTick, int ticks) =>
        cells.Count(cell => cell.Tick >= firstTick && cell.Tick < firstTick + ticks) / ((double)stages * ticks);

    private static void CheckSizes(int stages, int microbatches)
    {
        if (stages < 1 || microbatches < 1)
        {
            throw new UserErrorException($"a schedule needs at least 1 stage and 1 microbatch, got {stages} and {microbatches}");
        }
    }
}
