using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Stages.Recovery;

/// <summary>
/// A stage does not begin an epoch before the step that it has from the last one is over, so a start that is not answered in time may
/// be asked again. When that goes on for longer than a step may take, the step hangs.
/// </summary>
internal sealed class StartSilence(TimeSpan? patience, TimeProvider timeProvider)
{
    private int? _stage;
    private long _since;

    /// <summary>The stage that hangs, as far as the failures tell; null if none does.</summary>
    public int? HungStage => _stage is not null && timeProvider.GetElapsedTime(_since) >= patience ? _stage : null;

    /// <summary>Takes the next failure to open an epoch.</summary>
    public void Take(StageException failure)
    {
        var stage = failure.Error == StageError.Timeout ? failure.StageIndex : null;
        (_stage, _since) = (stage, _stage == stage ? _since : timeProvider.GetTimestamp());
    }
}
