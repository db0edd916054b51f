using System.Text.Json;
using System.Text.RegularExpressions;

namespace Pipeline.Cluster.Tests.Images;

/// <summary>A Dockerfile, as far as the ones of this repository go: its last stage, with all that it inherits, and what they copy.</summary>
internal sealed partial class Dockerfile
{
    private readonly List<(string Name, string From, List<(string Instruction, string Text)> Lines)> _stages = [];

    private Dockerfile()
    {
    }

    /// <summary>The image that the last stage stands on.</summary>
    public string BaseImage => Chain(_stages[^1].Name).First().From;

    /// <summary>The stages by name, in order.</summary>
    public IReadOnlyList<string> StageNames => [.. _stages.Select(stage => stage.Name)];

    public IReadOnlyDictionary<string, string> Environment => Pairs("ENV");

    public IReadOnlyDictionary<string, string> Labels => Pairs("LABEL");

    public string? User => Last("USER");

    public IReadOnlyList<int> Ports => [.. Final("EXPOSE").SelectMany(text => text.Split(' ')).Select(int.Parse)];

    public IReadOnlyList<string> Entrypoint => JsonSerializer.Deserialize<string[]>(Last("ENTRYPOINT") ?? "[]")!;

    /// <summary>The command that tells whether it is well; null without one.</summary>
    public IReadOnlyList<string>? HealthCommand => Last("HEALTHCHECK") is { } text && text.IndexOf("CMD ", StringComparison.Ordinal) is >= 0 and var at ? JsonSerializer.Deserialize<string[]>(text[(at + 4)..]) : null;

    /// <summary>What the final image copies, in order.</summary>
    public IReadOnlyList<DockerCopy> FinalCopies => [.. Final("COPY").Select(DockerCopy.Parse)];

    /// <summary>What any stage copies out of the repository.</summary>
    public IReadOnlyList<DockerCopy> ContextCopies => [.. _stages.SelectMany(stage => stage.Lines).Where(line => line.Instruction == "COPY").Select(line => DockerCopy.Parse(line.Text)).Where(copy => copy.Stage is null)];

    public static Dockerfile Read(string name, params (string Name, string Value)[] arguments) => Parse(File.ReadAllText(Repository.At("k8s", "images", $"{name}.Dockerfile")), arguments);

    /// <param name="arguments">In the place of the file's own defaults of ARG.</param>
    public static Dockerfile Parse(string text, params (string Name, string Value)[] arguments)
    {
        var values = arguments.ToDictionary(argument => argument.Name, argument => argument.Value);
        var file = new Dockerfile();
        foreach (var line in Continuation().Replace(Comment().Replace(text, ""), " ").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (instruction, rest) = line.Split(' ', 2, StringSplitOptions.TrimEntries) is [var first, var second] ? (first, second) : (line, "");
            file.Add(instruction, Reference().Replace(rest, match => values.GetValueOrDefault(match.Groups[1].Value) ?? match.Value), values);
        }

        return file;
    }

    /// <summary>The RUN and COPY lines of one stage, in order.</summary>
    public IEnumerable<(string Instruction, string Text)> LinesOf(string stage) => Chain(stage).SelectMany(found => found.Lines);

    private void Add(string instruction, string text, Dictionary<string, string> values)
    {
        switch (instruction)
        {
            case "ARG" when text.Split('=', 2) is [var name, var value]:
                values.TryAdd(name, value);
                break;
            case "ARG":
                break;
            case "FROM":
                var words = text.Split(' ');
                _stages.Add((words.Length == 3 ? words[2] : $"stage {_stages.Count}", words[0], []));
                break;
            default:
                _stages[^1].Lines.Add((instruction, text));
                break;
        }
    }

    /// <summary>A stage and those it is made from, the oldest first.</summary>
    private IEnumerable<(string Name, string From, List<(string Instruction, string Text)> Lines)> Chain(string name)
    {
        var stage = _stages.First(stage => stage.Name == name);
        return _stages.Any(parent => parent.Name == stage.From) ? Chain(stage.From).Append(stage) : [stage];
    }

    private IEnumerable<string> Final(string instruction) => Chain(_stages[^1].Name).SelectMany(stage => stage.Lines).Where(line => line.Instruction == instruction).Select(line => line.Text);

    private string? Last(string instruction) => Final(instruction).LastOrDefault();

    private Dictionary<string, string> Pairs(string instruction) =>
        Final(instruction).SelectMany(text => Pair().Matches(text)).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.Trim('"'));

    [GeneratedRegex(@"^\s*#.*$", RegexOptions.Multiline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\\\n")]
    private static partial Regex Continuation();

    [GeneratedRegex(@"\$\{(\w+)\}")]
    private static partial Regex Reference();

    [GeneratedRegex("""([\w.]+)=("[^"]*"|\S+)""")]
    private static partial Regex Pair();
}
