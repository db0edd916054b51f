using Pipeline.Coordinator.Scheduling;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;

namespace Pipeline.Coordinator.Execution;

/// <summary>
/// Knows which sequences were present whenever the pipe broke. One that is there every time, without a token in between, is taken for
/// the cause: it must not break the pipeline for everybody for ever.
/// </summary>
internal sealed class Suspects
{
    /// <summary>Losses that a sequence may be present at in a row.</summary>
    public const int MostLosses = 3;

    private readonly Dictionary<SequenceId, int> _losses = [];

    /// <summary>The sequences to give up after a failure.</summary>
    /// <param name="present">Those that may have caused it.</param>
    public IReadOnlyList<SequenceId> Judge(StageException failure, IReadOnlyList<SequenceId> present)
    {
        foreach (var id in present)
        {
            _losses[id] = _losses.GetValueOrDefault(id) + 1;
        }

        // A stage that lives and fails at a step will fail at the same step again.
        var most = IsLoss(failure.Error) ? MostLosses : 0;
        var guilty = present.Where(id => _losses[id] > most).ToList();
        guilty.ForEach(id => _losses.Remove(id));
        return guilty;
    }

    /// <summary>Whoever got a token is innocent.</summary>
    public void Clear(IReadOnlyList<SequenceUpdate> updates)
    {
        foreach (var update in _losses.Count == 0 ? [] : updates)
        {
            _losses.Remove(update.Sequence);
        }
    }

    private static bool IsLoss(StageError error) => error
        is StageError.StageLost or StageError.Unreachable or StageError.Timeout or StageError.NotReady or StageError.DeviceLost or StageError.WrongEpoch or StageError.AlreadyInUse;
}
