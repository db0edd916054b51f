using System.Globalization;
using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>
/// The results as a picture: throughput of prefill and of decode, each on its own axis, and the bubble of both with the
/// predicted one marked. Bars of a test stand side by side, one for each stage count.
/// </summary>
internal static class BenchmarkChart
{
    private const double Margin = 24;
    private const double HeadHeight = 84;
    private const double SmallestWidth = 640;

    /// <summary>Middle tones, readable on white and on black; stage counts take them in turn.</summary>
    private static readonly string[] Colours = ["#4f8fea", "#e8923a", "#35a97c", "#a371d8", "#d9596b", "#8a9a3b"];

    public static string Render(BenchmarkReport report)
    {
        List<ChartPanel> panels =
        [
            .. new[] { Throughput(report, TestKind.Prefill, "Prefill, tokens/s"), Throughput(report, TestKind.Decode, "Decode, tokens/s"), Bubble(report) }
                .Where(panel => panel.Groups.Count > 0)
        ];
        var width = Math.Max(SmallestWidth, panels.Max(panel => panel.Width) + (2 * Margin));
        using var canvas = new SvgCanvas(width, HeadHeight + (panels.Count * ChartPanel.Height) + Margin, $"{report.Model}: throughput by number of stages");
        DrawHead(canvas, report);
        for (var index = 0; index < panels.Count; index++)
        {
            panels[index].Draw(canvas, Margin, HeadHeight + (index * ChartPanel.Height));
        }

        return canvas.Finish();
    }

    private static void DrawHead(SvgCanvas canvas, BenchmarkReport report)
    {
        var first = report.Results[0];
        canvas.Text(Margin, 32, report.Model, SvgTextStyle.Title);
        canvas.Text(
            Margin, 52, $"{ParameterCount.Format(report.Parameters)} parameters, {first.Device} {first.Kernels} {first.ComputeType.ShortName()}, {report.Environment.Processor}", SvgTextStyle.Remark);
        var x = Margin;
        foreach (var stages in StageCounts(report))
        {
            canvas.Bar(x, 63, 12, 12, ColourOf(report, stages));
            canvas.Text(x + 18, 73, stages == 1 ? "1 stage" : $"{stages} stages", SvgTextStyle.Legend);
            x += 92;
        }
    }

    private static ChartPanel Throughput(BenchmarkReport report, TestKind kind, string heading) => new(
        heading,
        [
            .. from result in report.Results
               where result.Definition.Kind == kind
               group result by result.Test into test
               select (test.Key, (IReadOnlyList<ChartBar>)[.. test.OrderBy(result => result.Stages).Select(result => RateBar(report, result))])
        ],
        value => value.ToString("0.##", CultureInfo.InvariantCulture));

    private static ChartPanel Bubble(BenchmarkReport report) => new(
        "Bubble: measured (bar) and predicted (line, in brackets)",
        [
            .. from result in report.Results
               where result.BubbleMeasured is not null
               group result by result.Test into test
               select (test.Key, (IReadOnlyList<ChartBar>)[.. test.OrderBy(result => result.Stages).Select(result => BubbleBar(report, result))])
        ],
        Percent);

    private static ChartBar RateBar(BenchmarkReport report, BenchmarkResult result) => new(
        Foot(result), ColourOf(report, result.Stages), result.TokensPerSecond.Mean, Rate(result.TokensPerSecond.Mean), null, null);

    private static ChartBar BubbleBar(BenchmarkReport report, BenchmarkResult result) => new(
        Foot(result), ColourOf(report, result.Stages), result.BubbleMeasured!.Value, Percent(result.BubbleMeasured.Value), result.BubblePredicted!.Value, $"({Percent(result.BubblePredicted.Value)})");

    private static string Foot(BenchmarkResult result) => result.Stages.ToString(CultureInfo.InvariantCulture);

    private static string ColourOf(BenchmarkReport report, int stages) => Colours[StageCounts(report).ToList().IndexOf(stages) % Colours.Length];

    private static IEnumerable<int> StageCounts(BenchmarkReport report) => report.Results.Select(result => result.Stages).Distinct().Order();

    private static string Rate(double value) => value.ToString(value < 100 ? "F1" : "F0", CultureInfo.InvariantCulture);

    private static string Percent(double share) => $"{(share * 100).ToString("0.#", CultureInfo.InvariantCulture)}%";
}
