using Pipeline.Coordinator.Execution;
using Pipeline.Coordinator.Generation;
using Pipeline.Coordinator.Stages;

namespace Pipeline.Coordinator.Serving;

/// <summary>A pipeline that is loaded and warm, as far as the server needs it.</summary>
/// <param name="Steps">Where every step spent its time.</param>
/// <param name="Stages">What is known of each stage.</param>
/// <param name="ClockOffsets">Nanoseconds to add to each stage's clock to put all on one axis.</param>
internal sealed record ServingPipeline(PipelineLoop Loop, GenerationService Generation, StepLog Steps, IReadOnlyList<StageStatus> Stages, IReadOnlyList<long> ClockOffsets, long Epoch);
