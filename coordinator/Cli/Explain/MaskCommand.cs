using System.CommandLine;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary><c>coordinator explain mask</c>: who sees whom in a packed batch.</summary>
internal static class MaskCommand
{
    private const int Longest = 10_000;

    public static Command Create(Terminal terminal)
    {
        var window = LessonOptions.Window(required: false);
        var newTokens = Lengths("--seqlens", "New tokens of each sequence, for instance 7,5,6");
        newTokens.Required = true;
        var cached = Lengths("--cached", "Tokens of each sequence that are already in the cache, for instance 7,3,0 (default: none)");
        var ring = new Option<int?>("--ring")
        {
            Description = "Draw keys by slot of a rolling cache this long instead of by position",
            HelpName = "SLOTS",
            CustomParser = Parsers.OptionalInteger(minimum: 1, Longest),
        };
        var command = new DocumentedCommand("mask", "The attention mask of several sequences packed into one row, without padding.")
        {
            Notes = ["A token sees at most --window keys of its own sequence, itself included, and never another sequence."],
            Examples =
            [
                "coordinator explain mask --window 3 --seqlens 7,5,6",
                "coordinator explain mask --window 3 --seqlens 3,5 --cached 7,3",
                "coordinator explain mask --window 6 --seqlens 1,1 --cached 2,4 --ring 6",
            ],
        };
        command.Add(window);
        command.Add(newTokens);
        command.Add(cached);
        command.Add(ring);
        command.Reports(terminal, Compute, (lesson, to) => to.Output.Write(MaskText.Render(lesson)), _ => ExitCode.Success);
        return command;

        MaskLesson Compute(ParseResult parsed)
        {
            var lengths = parsed.GetRequiredValue(newTokens)!;
            return MaskLesson.Of(parsed.GetValue(window), lengths, parsed.GetValue(cached) is { Length: > 0 } given ? given : new int[lengths.Length], parsed.GetValue(ring));
        }
    }

    private static Option<int[]?> Lengths(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "LIST",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = Parsers.Integers(minimum: 0, Longest),
    };
}
