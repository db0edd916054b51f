using System.CommandLine;
using Pipeline.Coordinator.Lessons;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary><c>coordinator explain routing</c>: how a token chooses its experts.</summary>
internal static class RoutingCommand
{
    public static Command Create(Terminal terminal)
    {
        var logits = new Option<float[]?>("--logits")
        {
            Description = "The router's logit for each expert",
            HelpName = "LIST",
            Required = true,
            Arity = ArgumentArity.ExactlyOne,
            CustomParser = Parsers.Numbers,
        };
        var topK = LessonOptions.Count("--top-k", "Experts that a token visits", minimum: 1, maximum: 1024, otherwise: 2);
        var command = new DocumentedCommand("routing", "How one token chooses its experts and weighs them.")
        {
            Notes = ["The softmax runs over the chosen logits alone, so the weights sum to 1. Ties go to the lowest expert id."],
            Examples = ["coordinator explain routing --logits 0.6,1.5,1.2,3.4 --top-k 2"],
        };
        command.Add(logits);
        command.Add(topK);
        command.Reports(
            terminal,
            parsed => RoutingLesson.Of(parsed.GetRequiredValue(logits)!, parsed.GetValue(topK)),
            (lesson, to) => to.Output.Write(RoutingText.Render(lesson)),
            _ => ExitCode.Success);
        return command;
    }
}
