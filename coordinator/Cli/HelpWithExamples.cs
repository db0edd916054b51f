using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Pipeline.Coordinator.Cli;

/// <summary>The usual help, followed by a command's notes and examples and by what the exit codes mean.</summary>
internal sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
{
    private const string ExitCodes = """
        Exit codes:
          0    success
          1    the command ran and the answer is no: outputs differ, generation failed, the plan does not fit,
               standard output cannot be written
          2    bad usage or bad input: unknown flag, no such model, unreadable file
          3    a stage failed or cannot be reached; also when it finds the checkpoint damaged while it loads
          130  interrupted
          141  whoever read standard output has closed it
          143  ended at once, by a second SIGTERM
        """;

    public override int Invoke(ParseResult parseResult)
    {
        usual.Invoke(parseResult);
        var output = parseResult.InvocationConfiguration.Output;
        if (parseResult.CommandResult.Command is DocumentedCommand command)
        {
            WriteNotes(output, command);
        }

        output.WriteLine(ExitCodes.ReplaceLineEndings());
        return (int)ExitCode.Success;
    }

    private static void WriteNotes(TextWriter output, DocumentedCommand command)
    {
        WriteSection(output, "Notes", command.Notes);
        WriteSection(output, "Examples", command.Examples);
    }

    private static void WriteSection(TextWriter output, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
        {
            return;
        }

        output.WriteLine($"{title}:");
        foreach (var line in lines)
        {
            output.WriteLine($"  {line}");
        }

        output.WriteLine();
    }
}
