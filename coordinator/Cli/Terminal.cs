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

    /// <summary>What was piped in; null when standard input is a keyboard.</summary>
    public TextReader? Input { get; init; }

    /// <summary>Standard error is a terminal: progress may draw over itself.</summary>
    public bool AnimatesProgress { get; init; }

    /// <summary>Standard output is a terminal too: a picture may change in its place.</summary>
    public bool AnimatesOutput { get; init; }

    /// <summary>Columns that help and progress may use.</summary>
    public int Width { get; init; } = DefaultWidth;

    /// <summary>Unexpected errors show where they come from.</summary>
    public bool ShowsStackTraces { get; init; }

    /// <summary>The real one.</summary>
    public static Terminal OfProcess()
    {
        var columns = Console.IsOutputRedirected ? 0 : Console.WindowWidth;
        return new Terminal(StandardOutput.OfProcess(), Console.Error)
        {
            Input = Console.IsInputRedirected ? Console.In : null,
            AnimatesProgress = !Console.IsErrorRedirected,
            AnimatesOutput = !Console.IsOutputRedirected,
            Width = columns > 0 ? columns : DefaultWidth,
            ShowsStackTraces = Environment.GetEnvironmentVariable("PIPELINE_DEBUG") is "1",
        };
    }

    /// <summary>Writes a table as plain lines. They are never wrapped: half a number is worse than a long line.</summary>
    public void Write(IRenderable renderable) => Write(renderable, Output);

    /// <summary>The same beside a command's results: where tables go that are not what was asked for.</summary>
    public void WriteToError(IRenderable renderable) => Write(renderable, Error);

    private static void Write(IRenderable renderable, TextWriter target)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = short.MaxValue;
        console.Write(renderable);
        foreach (var line in text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            target.WriteLine(line.TrimEnd());
        }
    }
}
