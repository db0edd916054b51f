using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Serving;

/// <summary>A pipeline that is loaded and warm, as far as the server needs it.</summary>
/// <param name="Steps">Where every step spent its time.</param>
/// <param name="Stages">What is known of each stage.</param>
internal sealed record ServingPipeline(PipelineLoop Loop, GenerationService Generation, StepLog Steps, IReadOnlyList<StageStatus> Stages, long Epoch)
{
    /// <summary>How steps travel between the processes.</summary>
    public string Hops { get; init; } = "";

    /// <summary>In flight at most.</summary>
    public int Microbatches { get; init; } = 1;
}
