namespace Pipeline.Model.Kernels;

/// <summary>
/// The right to queue steps on a device that several processes may share: one of them at a time has it. A hint for speed, never
/// needed to be correct. One thread enters and leaves.
/// </summary>
public interface IDeviceTurn
{
    /// <summary>Takes the turn if nobody else has it.</summary>
    bool TryEnter();

    /// <summary>Gives the turn back.</summary>
    void Leave();
}
