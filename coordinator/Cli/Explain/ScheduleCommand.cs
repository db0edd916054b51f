using System.CommandLine;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary><c>coordinator explain schedule</c>: who works when, and the bubble.</summary>
internal static class ScheduleCommand
{
    private static readonly Dictionary<string, ScheduleMode> Modes = new()
    {
        ["prefill"] = ScheduleMode.Prefill,
        ["decode"] = ScheduleMode.Decode,
    };

    public static Command Create(Terminal terminal)
    {
        var stages = LessonOptions.Count("--stages", "Stages of the pipeline", minimum: 1, maximum: 64, otherwise: 4);
        var microbatches = LessonOptions.Count("--microbatches", "Microbatches that share it", minimum: 1, maximum: 256, otherwise: 4);
        var steps = LessonOptions.Count("--steps", "Tokens that each microbatch generates; decode only", minimum: 2, maximum: 256, otherwise: 3);
        var mode = new Option<ScheduleMode?>("--mode")
        {
            Description = "prefill (all microbatches are there at the start; the default) or decode (each step waits for its token)",
            HelpName = "MODE",
            CustomParser = Parsers.Word(Modes),
        };
        var command = new DocumentedCommand("schedule", "Who works when in a pipeline of equally fast stages, and how much of it idles.")
        {
            Notes =
            [
                "Prefill: more microbatches shrink the bubble. Decode: fewer microbatches than stages cannot fill the pipe,",
                "and more than that add nothing, because a sequence's next step needs the token of its last one.",
            ],
            Examples =
            [
                "coordinator explain schedule --stages 4 --microbatches 4",
                "coordinator explain schedule --stages 4 --microbatches 2 --mode decode --steps 4",
            ],
        };
        command.Add(stages);
        command.Add(microbatches);
        command.Add(mode);
        command.Add(steps);
        command.Reports(
            terminal,
            parsed => parsed.GetValue(mode) is ScheduleMode.Decode
                ? ScheduleLesson.Decode(parsed.GetValue(stages), parsed.GetValue(microbatches), parsed.GetValue(steps))
                : ScheduleLesson.Prefill(parsed.GetValue(stages), parsed.GetValue(microbatches)),
            (lesson, to) => to.Output.Write(ScheduleText.Render(lesson)),
            _ => ExitCode.Success);
        return command;
    }
}
