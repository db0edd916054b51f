using System.CommandLine;
using System.CommandLine.Parsing;

namespace Pipeline.Coordinator.Cli;

/// <summary>What is wrong with a command line, in the user's words, with the nearest thing that exists.</summary>
internal static class UsageErrors
{
    public static string Describe(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Count > 0)
        {
            return DescribeUnknown(command, parsed.UnmatchedTokens);
        }

        return parsed.CommandResult.Errors.Any() && command.Subcommands.Count > 0
            ? $"a command is missing: {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}"
            : string.Join("; ", parsed.Errors.Select(error => Sentence(error.Message)).Distinct());
    }

    /// <summary>The command as typed so far, for instance <c>coordinator explain mask</c>.</summary>
    public static string CommandPath(ParseResult parsed)
    {
        var names = new Stack<string>();
        for (SymbolResult? result = parsed.CommandResult; result?.Parent is not null; result = result.Parent)
        {
            names.Push(((CommandResult)result).Command.Name);
        }

        return string.Join(' ', names.Prepend("coordinator"));
    }

    private static string Sentence(string message) => char.ToLowerInvariant(message[0]) + message[1..].TrimEnd('.');

    private static string DescribeUnknown(Command command, IReadOnlyList<string> tokens)
    {
        var flag = tokens.FirstOrDefault(token => token.StartsWith('-'));
        var unknown = flag ?? tokens[0];
        var kind = flag is not null ? "option" : command.Subcommands.Count > 0 ? "command" : "argument";
        var known = flag is not null ? OptionNames(command) : command.Subcommands.Select(sub => sub.Name);
        var nearest = known.Select(name => (Name: name, Distance: EditDistance(unknown, name)))
            .Where(candidate => candidate.Distance <= Math.Max(2, candidate.Name.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();
        return $"unknown {kind} '{unknown}'" + (nearest is null ? "" : $"; did you mean '{nearest}'?");
    }

    private static IEnumerable<string> OptionNames(Command command) =>
        command.Options.Where(option => !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name)).Where(name => name.StartsWith("--", StringComparison.Ordinal));

    /// <summary>Levenshtein's distance: insertions, deletions and replacements between two words.</summary>
    private static int EditDistance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[right.Length];
    }
}
