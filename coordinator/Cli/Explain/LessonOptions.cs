using System.CommandLine;

namespace Pipeline.Coordinator.Cli.Explain;

/// <summary>Options that several lessons have. Their limits keep a lesson readable.</summary>
internal static class LessonOptions
{
    private const int WidestWindow = 1_000_000;

    public static Option<int?> Window(bool required) => new("--window", "-w")
    {
        Description = required ? "Sliding window: keys that a token sees, itself included" : "Sliding window: keys that a token sees, itself included (default: all)",
        HelpName = "TOKENS",
        Required = required,
        CustomParser = Parsers.OptionalInteger(minimum: 1, WidestWindow),
    };

    /// <summary>A lesson splits at spaces: one word is one token.</summary>
    public static Option<string> Tokens() => new("--tokens", "-t")
    {
        Description = "Words, each standing for one token",
        HelpName = "TEXT",
        DefaultValueFactory = _ => "The cat is on a chair",
    };

    public static string[] Words(string text) => text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    public static Option<int> Count(string name, string description, int minimum, int maximum, int otherwise) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = Parsers.Integer(minimum, maximum),
        DefaultValueFactory = _ => otherwise,
    };
}
