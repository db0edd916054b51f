using System.Globalization;
using System.Text;

namespace Pipeline.Coordinator.Lessons;

/// <summary>The tick grid: a row per stage, a column per tick, the microbatch's number where a stage works.</summary>
public static class ScheduleText
{
    public static string Render(ScheduleLesson lesson)
    {
        ArgumentNullException.ThrowIfNull(lesson);
        var width = Math.Max(lesson.Ticks - 1, lesson.Microbatches - 1).ToString(CultureInfo.InvariantCulture).Length + 1;
        var text = new StringBuilder();
        text.AppendLine($"{(lesson.Mode == ScheduleMode.Prefill ? "prefill" : "decode")} with S = {lesson.Stages} stages, M = {lesson.Microbatches} microbatches"
            + (lesson.Mode == ScheduleMode.Decode ? $", {lesson.Steps} steps each" : "") + "; a number is a microbatch, . is idle");
        text.AppendLine();
        text.AppendLine("tick    " + string.Concat(Enumerable.Range(0, lesson.Ticks).Select(tick => Cell(tick, width))));
        for (var stage = 0; stage < lesson.Stages; stage++)
        {
            text.AppendLine($"stage {stage,-2}".PadRight(8) + Row(lesson, stage, width));
        }

        text.AppendLine();
        AppendSummary(text, lesson);
        return text.ToString();
    }

    private static string Row(ScheduleLesson lesson, int stage, int width)
    {
        var row = Enumerable.Repeat(".".PadLeft(width), lesson.Ticks).ToArray();
        foreach (var cell in lesson.Cells.Where(cell => cell.Stage == stage))
        {
            row[cell.Tick] = Cell(cell.Microbatch, width);
        }

        return string.Concat(row);
    }

    private static void AppendSummary(StringBuilder text, ScheduleLesson lesson)
    {
        var (stages, microbatches) = (lesson.Stages, lesson.Microbatches);
        if (lesson.Mode == ScheduleMode.Prefill)
        {
            text.AppendLine($"bubble counted {Percent(lesson.Bubble)}, by formula (S-1)/(M+S-1) = {stages - 1}/{microbatches + stages - 1} = {Percent(1 - lesson.PredictedUtilisation)}");
            text.AppendLine($"the same batch as one microbatch takes {Number(lesson.SpeedUp!.Value)} times as long when computing is the limit: M*S/(M+S-1)");
            return;
        }

        text.AppendLine($"use of a full pipe counted {Percent(lesson.Utilisation)}, by formula min(1, M/S) = {Percent(lesson.PredictedUtilisation)}; with fill and drain {Percent(1 - lesson.Bubble)}");
        text.AppendLine(microbatches < stages
            ? $"each step waits for its own token to come round: the pipe is full from {stages} microbatches on"
            : "the pipe is full: more microbatches would add waiting, not work");
    }

    private static string Cell(int number, int width) => number.ToString(CultureInfo.InvariantCulture).PadLeft(width);

    private static string Percent(double share) => (share * 100).ToString("0.0", CultureInfo.InvariantCulture) + "%";

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
