namespace Pipeline.Coordinator.Benchmarking;

/// <summary>Everything that <c>bench</c> has to tell; the document of its JSON output.</summary>
public sealed record BenchmarkReport(
    string Model,
    long SizeBytes,
    long Parameters,
    BenchmarkEnvironment Environment,
    BenchmarkSettings Settings,
    IReadOnlyList<PipelineSummary> Pipelines,
    IReadOnlyList<string> Notes,
    IReadOnlyList<BenchmarkResult> Results);
