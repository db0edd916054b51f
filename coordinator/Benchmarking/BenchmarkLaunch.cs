using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>One pipeline to start, and the tests that run on it.</summary>
public sealed record BenchmarkLaunch(PipelineSettings Settings, IReadOnlyList<BenchmarkTest> Tests);
