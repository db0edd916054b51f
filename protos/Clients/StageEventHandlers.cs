using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Protos.Clients;

/// <summary>What to do with the things a stage tells. Called from the stage's reading loop, one at a time per stage.</summary>
public sealed record StageEventHandlers(
    Action<MicrobatchResult> OnResult, Action<IReadOnlyList<StepReport>> OnReports, Action<StageException> OnFailure);
