using System.Text.RegularExpressions;

namespace Pipeline.Cluster.Tests.Pods;

/// <summary><c>$(NAME)</c> in arguments and values, by the kubelet's rules: <c>$$</c> is a dollar, an unknown name stays as it stands.</summary>
internal static partial class VariableReferences
{
    public static string Expand(string text, Func<string, string?> value) => Reference().Replace(text, match => match.Value == "$$" ? "$" : value(match.Groups[1].Value) ?? match.Value);

    /// <summary>The names that a text refers to.</summary>
    public static IEnumerable<string> NamesIn(string text) => Reference().Matches(text).Where(match => match.Groups[1].Success).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)")]
    private static partial Regex Reference();
}
