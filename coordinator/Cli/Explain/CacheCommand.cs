using System.CommandLine;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary><c>coordinator explain cache</c>: a rolling cache filled token by token.</summary>
internal static class CacheCommand
{
    public static Command Create(Terminal terminal)
    {
        var window = LessonOptions.Window(required: true);
        var tokens = LessonOptions.Tokens();
        var blockSize = LessonOptions.Count("--block-size", "Tokens per block; the ring is the window rounded up to whole blocks", minimum: 1, maximum: CommonOptions.MostBlockTokens, otherwise: 1);
        var command = new DocumentedCommand("cache", "The rolling KV cache: which slot each token goes to and what it overwrites.")
        {
            Notes = ["A key carries its position inside, so the order of the slots does not matter to attention; unrolling is for the reader."],
            Examples =
            [
                "coordinator explain cache --window 4 --tokens \"The cat is on a chair\"",
                "coordinator explain cache --window 4 --tokens \"The cat is on a chair\" --block-size 3",
            ],
        };
        command.Add(window);
        command.Add(tokens);
        command.Add(blockSize);
        command.Reports(
            terminal,
            parsed => CacheLesson.Of(parsed.GetRequiredValue(window)!.Value, parsed.GetValue(blockSize), LessonOptions.Words(parsed.GetRequiredValue(tokens))),
            (lesson, to) => to.Output.Write(CacheText.Render(lesson)),
            _ => ExitCode.Success);
        return command;
    }
}
