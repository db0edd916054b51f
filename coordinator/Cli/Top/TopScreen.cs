using System.Globalization;
using System.Text;
using Pipeline.Coordinator.Observation;

namespace Pipeline.Coordinator.Cli.Top;

/// <summary>A picture of the pipeline as lines of text.</summary>
internal static class TopScreen
{
    private const int LeastBar = 10;
    private const string Parts = "#=-.";

    /// <param name="width">Columns that a line may take.</param>
    public static IReadOnlyList<string> Draw(PipelineView view, string address, int width)
    {
        List<string> lines = [$"{view.Model}  {view.State}{(view.Message.Length > 0 ? $": {view.Message}" : "")}  {address}"];
        if (view.Stages.Count > 0)
        {
            lines.Add(Text(
                $"decode {view.DecodeTokensPerSecond:F1} tok/s   prefill {view.PrefillTokensPerSecond:F1} tok/s   running {view.Running}   waiting {view.Waiting}   in the pipe {view.InFlight} of {view.Microbatches}"));
            lines.Add(Text(
                $"KV cache {view.CacheUsage:P0}   prefix hits {Percent(view.PrefixHitRate)}   preemptions {view.Preemptions}   bubble {view.Bubble:P0}   hop {Rounded(view.HopMicroseconds)} us   steps travel by {view.Hops}"));
            lines.Add("");
            lines.AddRange(Stages(view.Stages, width));
            lines.Add("");
            lines.Add("# busy   = sending   - waiting (the bubble)   . idle (nothing to do)");
        }

        return [.. lines.Select(line => line.Length > width ? line[..width] : line)];
    }

    private static IEnumerable<string> Stages(IReadOnlyList<StageView> stages, int width)
    {
        var names = stages.Select(stage => $"{stage.Stage,3} {stage.Device} {stage.Layers}").ToList();
        var texts = stages.Select(Describe).ToList();
        var (nameWidth, textWidth) = (names.Max(name => name.Length), texts.Max(text => text.Length));
        var bar = Math.Max(LeastBar, width - nameWidth - textWidth - 4);
        return names.Select((name, index) => $"{name.PadRight(nameWidth)} [{Bar(stages[index], bar)}] {texts[index]}");
    }

    private static string Describe(StageView stage) => stage.Up
        ? Text($"{stage.Busy,4:P0} busy {stage.Waiting,4:P0} waiting{(stage.StepMilliseconds is { } step ? Text($" {step,7:F2} ms/step") : "")}")
        : stage.Trouble.ToUpperInvariant();

    /// <summary>Each part as wide as its share; what rounding leaves over goes to the last.</summary>
    private static string Bar(StageView stage, int width)
    {
        double[] shares = [stage.Busy, stage.Sending, stage.Waiting];
        var (text, share) = (new StringBuilder(width), 0.0);
        for (var part = 0; part < shares.Length; part++)
        {
            share += shares[part];
            var end = Math.Clamp((int)Math.Round(share * width), text.Length, width);
            text.Append(Parts[part], end - text.Length);
        }

        return text.Append(Parts[^1], width - text.Length).ToString();
    }

    private static string Percent(double? share) => share is { } value ? Text($"{value:P0}") : "-";

    private static string Rounded(double? value) => value is { } number ? Text($"{number:F0}") : "-";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
