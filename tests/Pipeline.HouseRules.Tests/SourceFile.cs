using System.Text.RegularExpressions;

namespace Pipeline.HouseRules.Tests;

/// <summary>A source file as the rules see it: path from the repository's root, namespace, text.</summary>
internal sealed partial record SourceFile(string Path, string Text)
{
    public string Namespace => NamespaceLine().Match(Text).Groups[1].Value;

    /// <summary>Namespaces of this solution that the file imports; aliases count by what they name.</summary>
    public IEnumerable<string> Imports => UsingLine().Matches(Text).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^using (?:static )?(?:\w+ = )?(Pipeline\.[\w.]+);", RegexOptions.Multiline)]
    private static partial Regex UsingLine();
}
