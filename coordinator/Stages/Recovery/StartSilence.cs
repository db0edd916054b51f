using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages.Recovery;

/// <summary>
/// A stage does not begin an epoch before the step that it has from the last one is over, so a start that is not answered in time may
/// be asked again. When that goes on for longer than a step may take, the step hangs. On a GPU nothing takes as long as a start is
/// waited for; but it may wait for ever for the memory of a stage before it that has died.
/// </summary>
/// <param name="patience">How long a step may take; null for as long as it likes, on a GPU too.</param>
/// <param name="isOnGpu">Asked of a stage's index.</param>
internal sealed class StartSilence(TimeSpan? patience, Func<int, bool> isOnGpu, TimeProvider timeProvider)
{
    private int? _stage;
    private long _since;

    /// <summary>The stage that hangs, as far as the failures tell; null if none does.</summary>
    public int? HungStage => _stage is { } stage && patience is { } most && (isOnGpu(stage) || timeProvider.GetElapsedTime(_since) >= most) ? stage : null;

    /// <summary>Takes the next failure to open an epoch.</summary>
    public void Take(StageException failure)
    {
        var stage = failure.Error == StageError.Timeout ? failure.StageIndex : null;
        (_stage, _since) = (stage, _stage == stage ? _since : timeProvider.GetTimestamp());
    }
}
