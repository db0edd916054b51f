using Pipeline.Shared.Stages;

namespace Pipeline.StageWorker.Execution;

/// <summary>
/// Remembers a device that was lost: nothing can be computed any more until the process is started anew. One that hangs is as good as
/// lost for as long as it does.
/// </summary>
public sealed class DeviceHealth
{
    private StageException? _loss;
    private StageException? _hang;

    /// <summary>What happened to the device; null while it works.</summary>
    public string? Loss => (Volatile.Read(ref _loss) ?? Volatile.Read(ref _hang))?.Message;

    public void Observe(StageException failure)
    {
        if (failure.Error == StageError.DeviceLost)
        {
            Interlocked.CompareExchange(ref _loss, failure, null);
        }
    }

    /// <param name="hang">What does not end; null when it has ended after all.</param>
    public void Suspect(StageException? hang) => Volatile.Write(ref _hang, hang);

    /// <summary>Refuses whoever comes to use a lost device.</summary>
    public void Require()
    {
        if (Loss is { } loss)
        {
            throw new StageException(StageError.DeviceLost, $"this worker has lost its device and must be started anew: {loss}");
        }
    }
}
