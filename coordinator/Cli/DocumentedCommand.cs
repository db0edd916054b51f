using System.CommandLine;
using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Cli;

/// <summary>A command that brings its notes and examples along for <c>--help</c>, and whose action answers with an <see cref="ExitCode"/>.</summary>
internal sealed class DocumentedCommand(string name, string summary) : Command(name, summary)
{
    /// <summary>Paragraphs below the options: what the output means, what to know before.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>Whole command lines, each with the flags a first user needs.</summary>
    public IReadOnlyList<string> Examples { get; init; } = [];

    /// <summary>The general form: the action writes what it likes.</summary>
    public void Runs(Func<ParseResult, CancellationToken, Task<ExitCode>> action) =>
        SetAction(async (parsed, cancellationToken) => (int)await action(parsed, cancellationToken));

    /// <summary>A command that works out one report and prints it, for people or (with --json, which this adds) for programs.</summary>
    public void Reports<T>(Terminal terminal, Func<ParseResult, T> compute, Action<T, Terminal> print, Func<T, ExitCode> judge)
        where T : notnull
    {
        var json = CommonOptions.Json();
        Add(json);
        Runs((parsed, _) =>
        {
            var report = compute(parsed);
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(terminal.Output, report);
            }
            else
            {
                print(report, terminal);
            }

            return Task.FromResult(judge(report));
        });
    }
}
