using Pipeline.Coordinator.Stages;
using Pipeline.Coordinator.Verification;

namespace Pipeline.Coordinator.Cli.Verify;

/// <summary>Everything <c>verify</c> was asked to do, checked.</summary>
/// <param name="Expected">The oracle's outputs by case; null compares with <see cref="OneStage"/>.</param>
/// <param name="OneStage">The pipeline that has nothing to hand over.</param>
/// <param name="Pipelines">One for each stage count.</param>
internal sealed record VerifyPlan(
    LocatedModel Model,
    string Reference,
    IReadOnlyList<VerificationCase> Cases,
    IReadOnlyList<CaseOutput>? Expected,
    PipelineSettings OneStage,
    IReadOnlyList<PipelineSettings> Pipelines,
    IReadOnlyList<ChunkSize> Chunks,
    Tolerance Tolerance);
