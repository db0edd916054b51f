using System.Text.Json;

namespace Pipeline.EndToEnd.Tests.Cli;

/// <summary>A Chrome trace as a viewer reads it: processes with names, and when each of them computed.</summary>
internal sealed record Timeline(IReadOnlyList<string> Stages, IReadOnlyDictionary<int, List<(double Start, double End)>> Computing)
{
    public static Timeline Read(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(path));
        var events = document.RootElement.GetProperty("traceEvents").EnumerateArray().ToList();
        var names = events.Where(item => Text(item, "name") == "process_name").Select(item => item.GetProperty("args").GetProperty("name").GetString()!);
        var computing = events.Where(item => Text(item, "ph") == "X" && item.GetProperty("tid").GetInt32() == 0)
            .GroupBy(item => item.GetProperty("pid").GetInt32())
            .ToDictionary(group => group.Key, group => group.Select(Interval).ToList());
        return new Timeline([.. names], computing);
    }

    /// <summary>How long both stages computed at the same time.</summary>
    public TimeSpan OverlapOf(int first, int second) => TimeSpan.FromMicroseconds(
        Computing[first].Sum(a => Computing[second].Sum(b => Math.Max(0, Math.Min(a.End, b.End) - Math.Max(a.Start, b.Start)))));

    private static string? Text(JsonElement item, string name) => item.GetProperty(name).GetString();

    private static (double Start, double End) Interval(JsonElement item)
    {
        var start = item.GetProperty("ts").GetDouble();
        return (start, start + item.GetProperty("dur").GetDouble());
    }
}
