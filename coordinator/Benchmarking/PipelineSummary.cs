using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Models;

namespace Pipeline.Coordinator.Benchmarking;

/// <summary>How one of the measured pipelines was built.</summary>
/// <param name="Hops">How steps travel between its processes.</param>
public sealed record PipelineSummary(
    int StageCount,
    int Microbatches,
    ElementType ComputeType,
    bool DummyWeights,
    int MaxSequences,
    int MaxBatchedTokens,
    int MaxModelLength,
    int BlockSize,
    string Hops,
    IReadOnlyList<StageStatus> Stages)
{
    public static PipelineSummary Of(RunningPipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        var settings = pipeline.Settings;
        return new PipelineSummary(
            settings.StageCount,
            settings.Microbatches,
            settings.ComputeType,
            settings.DummyWeights,
            settings.MaxSequences,
            settings.MaxBatchedTokens,
            settings.MaxModelLength,
            settings.BlockSize,
            pipeline.Hops.ToString(),
            pipeline.Stages);
    }
}
