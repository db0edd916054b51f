using System.Globalization;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>A load test as a picture: throughput and requests under way over time, and how each latency is distributed.</summary>
internal static class LoadChart
{
    private const double Margin = 24;
    private const double HeadHeight = 72;
    private const int MostSpans = 120;
    private const int MostPoints = 200;
    private const double ShortestSpan = 100;

    public static string Render(LoadReport report, IReadOnlyList<RequestOutcome> outcomes, IEnumerable<LatencyKind> metrics)
    {
        List<CurvePanel> panels = outcomes.Count == 0 ? [] : [Throughput(outcomes), UnderWay(outcomes)];
        panels.AddRange(metrics.Select(kind => (Kind: kind, Values: LoadStatistics.Latencies(outcomes, kind))).Where(latency => latency.Values.Length > 0).Select(latency => Distribution(latency.Kind, latency.Values)));
        using var canvas = new SvgCanvas(CurvePanel.Width + (2 * Margin), HeadHeight + (panels.Count * CurvePanel.Height) + Margin, $"{report.Model}: load test");
        var result = report.Result;
        canvas.Text(Margin, 32, report.Model, SvgTextStyle.Title);
        canvas.Text(
            Margin,
            52,
            string.Create(CultureInfo.InvariantCulture, $"{report.Server}: {result.Successful} of {result.Successful + result.Failed + result.Throttled} requests, {result.RequestsPerSecond:F2} req/s, {result.OutputTokensPerSecond:F1} tok/s"),
            SvgTextStyle.Remark);
        for (var index = 0; index < panels.Count; index++)
        {
            panels[index].Draw(canvas, Margin, HeadHeight + (index * CurvePanel.Height));
        }

        return canvas.Finish();
    }

    private static CurvePanel Throughput(IReadOnlyList<RequestOutcome> outcomes)
    {
        var span = Math.Max(ShortestSpan, (outcomes.Max(outcome => outcome.Ended) - outcomes.Min(outcome => outcome.Started)) / MostSpans);
        var rates = LoadStatistics.OutputRates([.. outcomes.Where(outcome => outcome.Failure is null)], span);
        return new CurvePanel("Output tokens/s", "seconds", rates.Length == 0 ? [(0, 0)] : Steps(rates.Select((rate, index) => (index * span / 1000, rate)), rates.Length * span / 1000), "#4f8fea");
    }

    private static CurvePanel UnderWay(IReadOnlyList<RequestOutcome> outcomes)
    {
        var began = outcomes.Min(outcome => outcome.Started);
        return new CurvePanel(
            "Requests under way",
            "seconds",
            Steps(LoadStatistics.Concurrency(outcomes).Select(step => ((step.Time - began) / 1000, (double)step.Running)), (outcomes.Max(outcome => outcome.Ended) - began) / 1000),
            "#e8923a");
    }

    private static CurvePanel Distribution(LatencyKind kind, double[] values)
    {
        Array.Sort(values);
        var points = Enumerable.Range(0, MostPoints + 1).Select(index => (values[(int)((long)index * (values.Length - 1) / MostPoints)], 100.0 * index / MostPoints));
        return new CurvePanel($"{ResultRows.Heading(kind)}: share below, %", "milliseconds", [(0, 0), (values[0], 0), .. points], "#35a97c");
    }

    /// <summary>Each value holds until the next one.</summary>
    private static List<(double X, double Y)> Steps(IEnumerable<(double X, double Y)> changes, double end)
    {
        var points = new List<(double X, double Y)> { (0, 0) };
        foreach (var (x, y) in changes)
        {
            points.Add((x, points[^1].Y));
            points.Add((x, y));
        }

        points.Add((end, points[^1].Y));
        return points;
    }
}
