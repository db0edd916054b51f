using Pipeline.Coordinator.Benchmarking;

namespace Pipeline.Coordinator.Cli.Bench;

/// <summary>Everything <c>bench</c> was asked to do, checked.</summary>
internal sealed record BenchPlan(
    BenchmarkSettings Settings, IReadOnlyList<BenchmarkLaunch> Launches, IReadOnlyList<string> ModelNotes, OutputFormat Format, string? PlotFile);
