using System.Globalization;
using Pipeline.Coordinator.LoadGeneration;

namespace Pipeline.Coordinator.Cli.Bench.Serve;

/// <summary>The lines of a result, in the order and with the names that people compare servers by.</summary>
internal static class ResultRows
{
    public static IReadOnlyList<(string Label, string Value)> Summary(LoadReport report)
    {
        var result = report.Result;
        (string Label, string? Value)[] rows =
        [
            ("Successful requests", Whole(result.Successful)),
            ("Failed requests", Whole(result.Failed)),
            ("Throttled requests (429)", result.Throttled > 0 ? Whole(result.Throttled) : null),
            ("Unfinished requests", result.Unfinished > 0 ? Whole(result.Unfinished) : null),
            ("Maximum request concurrency", report.Settings.MaxConcurrency is { } most ? Whole(most) : null),
            ("Request rate configured (RPS)", double.IsFinite(report.Settings.RequestRate) ? Number(report.Settings.RequestRate) : null),
            ("Benchmark duration (s)", Number(result.DurationSeconds)),
            ("Total input tokens", Whole(result.InputTokens)),
            ("Total generated tokens", Whole(result.OutputTokens)),
            ("Request throughput (req/s)", Number(result.RequestsPerSecond)),
            ("Request goodput (req/s)", result.GoodRequestsPerSecond is { } good ? Number(good) : null),
            ("Output token throughput (tok/s)", Number(result.OutputTokensPerSecond)),
            ("Peak output token throughput (tok/s)", Number(result.PeakOutputTokensPerSecond)),
            ("Peak concurrent requests", Whole(result.PeakConcurrency)),
            ("Total token throughput (tok/s)", Number(result.TotalTokensPerSecond)),
        ];
        return [.. rows.Where(row => row.Value is not null).Select(row => (row.Label, row.Value!))];
    }

    public static IEnumerable<(string Label, string Value)> Latency(LatencyKind kind, LatencySummary? summary)
    {
        var name = kind.ToString().ToUpperInvariant();
        yield return ($"Mean {name} (ms)", Number(summary?.Mean));
        yield return ($"Median {name} (ms)", Number(summary?.Median));
        foreach (var (percentile, value) in summary?.Percentiles ?? new Dictionary<string, double>())
        {
            yield return ($"{percentile.ToUpperInvariant()} {name} (ms)", Number(value));
        }
    }

    public static string Heading(LatencyKind kind) => kind switch
    {
        LatencyKind.Ttft => "Time to First Token",
        LatencyKind.Tpot => "Time per Output Token (excl. 1st token)",
        LatencyKind.Itl => "Inter-token Latency",
        _ => "End-to-end Latency",
    };

    private static string Whole(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double? value) => value?.ToString("F2", CultureInfo.InvariantCulture) ?? "-";
}
