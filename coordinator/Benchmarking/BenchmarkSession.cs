using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>A whole benchmark: one launch after the other, then everything in one report.</summary>
/// <param name="tell">Takes lines of progress.</param>
public sealed class BenchmarkSession(BenchmarkSettings settings, TimeProvider timeProvider, ILaunchObserver observer, Action<string> tell)
{
    public async Task<BenchmarkReport> RunAsync(IReadOnlyList<BenchmarkLaunch> launches, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(launches);
        var environment = BenchmarkEnvironment.Current(timeProvider);
        List<PipelineSummary> pipelines = [];
        List<BenchmarkResult> results = [];
        foreach (var launch in launches)
        {
            tell($"pipeline {pipelines.Count + 1} of {launches.Count}: {launch.Settings.StageCount} stage(s), {launch.Tests.Count} test(s)");
            var (pipeline, measured) = await new LaunchSession(settings, timeProvider, observer, tell).RunAsync(launch, cancellationToken);
            pipelines.Add(pipeline);
            results.AddRange(measured);
        }

        var built = launches[0].Settings;
        var size = new ModelSize(built.Model with { WeightType = built.ComputeType });
        return new BenchmarkReport(
            built.Model.Name, size.TotalBytes, size.TotalParameters, environment, settings, pipelines, Notes(pipelines), StageComparison.Complete(results));
    }

    private static List<string> Notes(List<PipelineSummary> pipelines) =>
    [
        .. pipelines.Select(pipeline => $"steps travel by {pipeline.Hops}").Distinct(),
        .. pipelines.Select(pipeline => DeviceSharing.Describe(pipeline.Stages)).OfType<string>().Distinct(),
    ];
}
