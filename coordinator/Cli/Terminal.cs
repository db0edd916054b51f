using Spectre.Console;
using Spectre.Console.Rendering;

namespace Pipeline.Coordinator.Cli;

/// <summary>
/// Where a command reads and writes: results to <paramref name="Output"/>, progress and errors to <paramref name="Error"/>. Everything
/// a command knows about the outside comes through here, so that tests can stand in for it.
/// </summary>
internal sealed record Terminal(TextWriter Output, TextWriter Error)
{
    private const int DefaultWidth = 100;

    /// <summary>Output is a terminal: colours are welcome and lines have an end.</summary>
    public bool IsInteractive { get; init; }

    public int Width { get; init; } = DefaultWidth;

    /// <summary>Unexpected errors show where they come from.</summary>
    public bool ShowsStackTraces { get; init; }

    /// <summary>What is piped or typed into the command.</summary>
    public TextReader Input { get; init; } = TextReader.Null;

    /// <summary>The real one.</summary>
    public static Terminal OfProcess()
    {
        var interactive = !Console.IsOutputRedirected;
        return new Terminal(Console.Out, Console.Error)
        {
            IsInteractive = interactive,
            Width = interactive && Console.WindowWidth > 0 ? Console.WindowWidth : DefaultWidth,
            ShowsStackTraces = Environment.GetEnvironmentVariable("PIPELINE_DEBUG") is "1",
            Input = Console.In,
        };
    }

    /// <summary>Writes a table to the output: fitted to a terminal's width, or as plain unwrapped lines.</summary>
    public void Write(IRenderable renderable) => Write(renderable, Output);

    /// <summary>The same beside a command's results: where tables go that are not what was asked for.</summary>
    public void WriteToError(IRenderable renderable) => Write(renderable, Error);

    private void Write(IRenderable renderable, TextWriter target)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = IsInteractive ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = IsInteractive ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(IsInteractive ? target : text),
        });
        console.Profile.Width = IsInteractive ? Width : short.MaxValue;
        console.Write(renderable);
        foreach (var line in text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            target.WriteLine(line.TrimEnd());
        }
    }
}
