using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// A step in the stream. It keeps the pinned memory that the device reads and writes until it is over. Begins where its input
/// is there, so that the time of the stage before is not counted as its own.
/// </summary>
internal sealed class QueuedStep(StepEvents events) : ShardStep
{
    private readonly List<IDisposable> _kept = [];
    private (CudaEvent Began, CudaEvent Ended) _events = events.Rent();
    private TimeSpan? _deviceTime;
    private HiddenStates? _early;
    private Func<ShardOutput> _finish = () => new ShardOutput(null, null);

    public override HiddenStates? Early => _early;

    public override TimeSpan? DeviceTime => _deviceTime;

    /// <summary>The device comes to the step's own work here.</summary>
    public void Begin(CudaStream stream) => _events.Began.Record(stream);

    /// <summary>Keeps something until the step is over.</summary>
    public T Keep<T>(T memory)
        where T : IDisposable
    {
        _kept.Add(memory);
        return memory;
    }

    /// <summary>All of the step is queued.</summary>
    /// <param name="finish">What it has come to, once it is over.</param>
    public QueuedStep End(CudaStream stream, Func<ShardOutput> finish)
    {
        _finish = finish;
        _events.Ended.Record(stream);
        return this;
    }

    /// <summary>As <see cref="End"/>, with hidden states that may go on before.</summary>
    public QueuedStep EndWith(HiddenStates early, CudaStream stream)
    {
        _early = early;
        return End(stream, () => new ShardOutput(null, null));
    }

    public override bool IsOver() => _events.Ended.HasHappened();

    public override ShardOutput Finish()
    {
        try
        {
            _events.Ended.Synchronize();
            _deviceTime = _events.Ended.TimeSince(_events.Began);
            return _finish();
        }
        finally
        {
            Release();
        }
    }

    /// <summary>Gives back what the step has kept; the device must be through with it.</summary>
    public void Release()
    {
        foreach (var memory in _kept)
        {
            memory.Dispose();
        }

        _kept.Clear();
        events.Return(_events);
    }
}
