using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>A pipeline that is there again. Its stages know of no sequence.</summary>
public sealed record MendedPipeline(IStage Stage, PlanEpoch Epoch);
