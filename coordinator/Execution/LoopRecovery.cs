using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>What a loop does when its pipeline breaks.</summary>
/// <param name="MendAsync">Brings the pipeline back, in a new epoch; fails only if that will never be.</param>
/// <param name="Patience">How long requests wait for it before they fail.</param>
public sealed record LoopRecovery(Func<StageException, CancellationToken, Task<MendedPipeline>> MendAsync, TimeSpan Patience, TimeProvider TimeProvider);
