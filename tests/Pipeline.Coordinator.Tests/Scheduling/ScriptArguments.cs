using System.Globalization;

namespace Pipeline.Coordinator.Tests.Scheduling;

/// <summary>The words behind a script's command: <c>key=value</c> pairs and plain words.</summary>
internal sealed class ScriptArguments(IEnumerable<string> words)
{
    private readonly (string Key, string Value)[] _pairs =
        [.. words.Select(word => word.Split('=', 2)).Select(parts => (parts[0], parts.Length > 1 ? parts[1] : ""))];

    public IEnumerable<(string Key, string Value)> Pairs => _pairs;

    public bool Has(string key) => _pairs.Any(pair => pair.Key == key);

    public int Int(string key) => OptionalInt(key) ?? throw new FormatException($"the command needs {key}=");

    public int? OptionalInt(string key) => All(key).Select(value => (int?)Number(value)).FirstOrDefault();

    public IEnumerable<string> All(string key) => _pairs.Where(pair => pair.Key == key).Select(pair => pair.Value);

    public static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
