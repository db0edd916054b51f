using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>The pipeline is broken and being brought back.</summary>
/// <param name="Failure">What broke it; names the stage if it is known.</param>
/// <param name="Refusal">Why requests are not waiting any more; null while they are.</param>
public sealed record PipelineOutage(StageException Failure, StageException? Refusal);
