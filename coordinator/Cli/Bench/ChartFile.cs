using System.CommandLine.Parsing;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>The file that a chart goes into.</summary>
internal static class ChartFile
{
    private const string Extension = ".svg";

    /// <summary>By any other name, viewers would take the picture for what it is not.</summary>
    public static Func<ArgumentResult, string?> Name { get; } = result =>
    {
        var name = Parsers.Text(result);
        if (!name.EndsWith(Extension, StringComparison.OrdinalIgnoreCase))
        {
            Parsers.Complain(result, name, $"the name of a file that ends in {Extension}");
        }

        return name;
    };
}
