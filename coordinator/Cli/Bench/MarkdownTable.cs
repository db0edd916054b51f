using System.Globalization;
using System.Text;
using Pipeline.Coordinator.Benchmarking;
using Pipeline.Coordinator.Cli.Rendering;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>Results as a Markdown table in the way of llama-bench, padded so that it also reads as plain text.</summary>
internal static class MarkdownTable
{
    private static readonly (string Heading, bool IsNumber)[] Columns =
    [
        ("model", false), ("size", true), ("params", true), ("backend", false), ("threads", true), ("stages", true), ("microbatches", true), ("test", true), ("t/s", true), ("±", true),
        ("median", true), ("bubble measured", true), ("bubble predicted", true), ("hop p50 us", true), ("hop p99 us", true), ("vs 1 stage", true), ("share of bound", true),
        ("latency ms p50/p90/p99", true),
    ];

    public static string Render(BenchmarkReport report)
    {
        var rows = report.Results.Select(result => Cells(report, result).ToArray()).ToList();
        var widths = Columns.Select((column, index) => rows.Select(row => row[index].Length).Append(column.Heading.Length).Max()).ToArray();
        var text = new StringBuilder();
        AppendRow(text, [.. Columns.Select(column => column.Heading)], widths);
        AppendRow(text, [.. Columns.Select((column, index) => column.IsNumber ? new string('-', widths[index] - 1) + ":" : new string('-', widths[index]))], widths);
        foreach (var row in rows)
        {
            AppendRow(text, row, widths);
        }

        text.AppendLine();
        foreach (var note in Notes(report))
        {
            text.AppendLine(note);
        }

        return text.ToString();
    }

    private static IEnumerable<string> Cells(BenchmarkReport report, BenchmarkResult result)
    {
        yield return report.Model.Replace("|", "\\|", StringComparison.Ordinal);
        yield return ByteSize.Format(report.SizeBytes);
        yield return ParameterCount.Format(report.Parameters);
        yield return $"{result.Device} {result.Kernels} {result.ComputeType.ShortName()}";
        yield return Text(result.Threads);
        yield return Text(result.Stages);
        yield return Text(result.Microbatches);
        yield return result.Test;
        yield return Fixed(result.TokensPerSecond.Mean, 2);
        yield return Fixed(result.TokensPerSecond.StandardDeviation, 2);
        yield return Fixed(result.TokensPerSecond.Median, 2);
        yield return Percent(result.BubbleMeasured);
        yield return Percent(result.BubblePredicted);
        yield return Fixed(result.HopMicroseconds?.P50, 0);
        yield return Fixed(result.HopMicroseconds?.P99, 0);
        yield return result.VersusOneStage is { } versus ? $"{Fixed(versus, 2)}x" : "-";
        yield return result switch
        {
            { ShareOfBound: not null } => Percent(result.ShareOfBound),
            { ReadGigabytesPerSecond: { } rate } => $"{Fixed(rate, 2)} GB/s",
            _ => "-",
        };
        var latency = result.TimeToFirstTokenMilliseconds ?? result.TokenIntervalMilliseconds;
        yield return latency is null ? "-" : $"{Fixed(latency.P50, 1)} / {Fixed(latency.P90, 1)} / {Fixed(latency.P99, 1)}";
    }

    private static IEnumerable<string> Notes(BenchmarkReport report)
    {
        var environment = report.Environment;
        yield return $"- coordinator {environment.Version}, {environment.Runtime}, {environment.Processor}, {environment.Cores} cores";
        yield return $"- t/s: mean, standard deviation and median of {report.Settings.Repetitions} repetition(s); latency: pp time to first token, tg interval between tokens of a sequence; threads: of each stage";
        foreach (var note in report.Notes)
        {
            yield return $"- {note}";
        }
    }

    private static void AppendRow(StringBuilder text, string[] cells, int[] widths)
    {
        var padded = cells.Select((cell, index) => Columns[index].IsNumber ? cell.PadLeft(widths[index]) : cell.PadRight(widths[index]));
        text.Append("| ").AppendJoin(" | ", padded).AppendLine(" |");
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Fixed(double? value, int digits) => value?.ToString($"F{digits}", CultureInfo.InvariantCulture) ?? "-";

    private static string Percent(double? share) => share is { } value ? $"{Fixed(value * 100, 1)}%" : "-";
}
