using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>What a loop does when its pipeline breaks.</summary>
/// <param name="MendAsync">Brings the pipeline back, in a new epoch; fails only if that will never be.</param>
/// <param name="Trouble">What it is waiting for at this moment, which may be another stage than the one that failed first; null if nothing.</param>
/// <param name="Patience">How long requests wait for it before they fail.</param>
public sealed record LoopRecovery(Func<StageException, CancellationToken, Task<MendedPipeline>> MendAsync, Func<StageException?> Trouble, TimeSpan Patience, TimeProvider TimeProvider);
