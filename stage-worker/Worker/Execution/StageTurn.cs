using Pipeline.Model.Kernels;

namespace Pipeline.StageWorker.Execution;

/// <summary>
/// When a stage takes its turn on a device and when it gives it back. Stages that share a GPU would otherwise be switched to and
/// fro with every microbatch, and each switch costs the GPU about a tenth of a millisecond; so a stage that has several
/// microbatches computes all of them first. Gives the turn back while its last step still runs: the next process queues its own
/// behind it. On the compute thread only.
/// </summary>
/// <param name="turn">Null where nobody else can be on the device.</param>
internal sealed class StageTurn(IDeviceTurn? turn)
{
    private int _underWay;
    private bool _isHeld;

    /// <summary>Whether this stage may queue a step now.</summary>
    public bool TryTake() => _isHeld = _isHeld || turn is null || turn.TryEnter();

    /// <summary>A step is queued, or has failed to be.</summary>
    /// <param name="isMoreWaiting">Whether there is another that could be queued.</param>
    public void Began(bool isUnderWay, bool isMoreWaiting)
    {
        _underWay += isUnderWay ? 1 : 0;
        GiveBackUnless(isMoreWaiting);
    }

    /// <summary>The device has come to the end of a step.</summary>
    public void Ended(bool isMoreWaiting)
    {
        _underWay--;
        GiveBackUnless(isMoreWaiting);
    }

    /// <summary>With nothing on the device the turn goes whatever is waiting: that may be waiting for another stage.</summary>
    private void GiveBackUnless(bool isMoreWaiting)
    {
        if (!_isHeld || _underWay > 1 || (_underWay == 1 && isMoreWaiting))
        {
            return;
        }

        _isHeld = false;
        turn?.Leave();
    }
}
