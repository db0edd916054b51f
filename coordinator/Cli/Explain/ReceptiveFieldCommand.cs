using System.CommandLine;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary><c>coordinator explain receptive-field</c>: how far a token's influence travels.</summary>
internal static class ReceptiveFieldCommand
{
    public static Command Create(Terminal terminal)
    {
        var window = LessonOptions.Window(required: true);
        var layers = LessonOptions.Count("--layers", "Layers stacked on each other", minimum: 1, maximum: 1000, otherwise: 4);
        var tokens = LessonOptions.Tokens();
        var command = new DocumentedCommand("receptive-field", "Whose information each position holds after every layer.")
        {
            Notes = ["One layer lets a token look window - 1 positions back, so N layers carry information N * (window - 1) positions, not N * window."],
            Examples = ["coordinator explain receptive-field --layers 4 --window 3 --tokens \"the cat is on a chair\""],
        };
        command.Add(layers);
        command.Add(window);
        command.Add(tokens);
        command.Reports(
            terminal,
            parsed => ReceptiveFieldLesson.Of(parsed.GetValue(layers), parsed.GetRequiredValue(window)!.Value, LessonOptions.Words(parsed.GetRequiredValue(tokens))),
            (lesson, to) => to.Output.Write(ReceptiveFieldText.Render(lesson)),
            _ => ExitCode.Success);
        return command;
    }
}
