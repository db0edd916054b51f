using System.Globalization;
using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>Results as comma-separated values with full precision; a field is empty where nothing was measured.</summary>
internal static class CsvTable
{
    private static readonly (string Heading, Func<BenchmarkReport, BenchmarkResult, object?> Value)[] Columns =
    [
        ("model", (report, _) => report.Model),
        ("size_bytes", (report, _) => report.SizeBytes),
        ("parameters", (report, _) => report.Parameters),
        ("device", (_, result) => result.Device),
        ("kernels", (_, result) => result.Kernels),
        ("compute_type", (_, result) => result.ComputeType.ShortName()),
        ("stages", (_, result) => result.Stages),
        ("microbatches", (_, result) => result.Microbatches),
        ("threads", (_, result) => result.Threads),
        ("test", (_, result) => result.Test),
        ("kind", (_, result) => result.Definition.Kind == TestKind.Prefill ? "prefill" : "decode"),
        ("tokens", (_, result) => result.Definition.Tokens),
        ("depth", (_, result) => result.Definition.Depth),
        ("batch", (_, result) => result.Definition.Batch),
        ("scaling", (_, result) => result.Definition.Scaling == BatchScaling.Weak ? "weak" : "strong"),
        ("tokens_per_second", (_, result) => result.TokensPerSecond.Mean),
        ("standard_deviation", (_, result) => result.TokensPerSecond.StandardDeviation),
        ("median", (_, result) => result.TokensPerSecond.Median),
        ("bubble_measured", (_, result) => result.BubbleMeasured),
        ("bubble_predicted", (_, result) => result.BubblePredicted),
        ("hop_p50_us", (_, result) => result.HopMicroseconds?.P50),
        ("hop_p99_us", (_, result) => result.HopMicroseconds?.P99),
        ("coordinator_p50_us", (_, result) => result.CoordinatorMicroseconds?.P50),
        ("coordinator_p99_us", (_, result) => result.CoordinatorMicroseconds?.P99),
        ("vs_one_stage", (_, result) => result.VersusOneStage),
        ("read_gb_per_s", (_, result) => result.ReadGigabytesPerSecond),
        ("share_of_bound", (_, result) => result.ShareOfBound),
        ("first_token_ms_p50", (_, result) => result.TimeToFirstTokenMilliseconds?.P50),
        ("first_token_ms_p90", (_, result) => result.TimeToFirstTokenMilliseconds?.P90),
        ("first_token_ms_p99", (_, result) => result.TimeToFirstTokenMilliseconds?.P99),
        ("interval_ms_p50", (_, result) => result.TokenIntervalMilliseconds?.P50),
        ("interval_ms_p90", (_, result) => result.TokenIntervalMilliseconds?.P90),
        ("interval_ms_p99", (_, result) => result.TokenIntervalMilliseconds?.P99),
        ("samples", (_, result) => string.Join(' ', result.Samples.Select(Text))),
    ];

    public static string Render(BenchmarkReport report) => string.Concat(
        report.Results
            .Select(result => Columns.Select(column => Field(Text(column.Value(report, result)))))
            .Prepend(Columns.Select(column => column.Heading))
            .Select(fields => $"{string.Join(',', fields)}\n"));

    private static string Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Field(string text) => text.AsSpan().IndexOfAny(',', '"', '\n') < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
