using System.Collections.Concurrent;
using Pipeline.Protos.Codec;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Stages;
using Wire = Pipeline.Protos.V1.MicrobatchResult;

namespace Pipeline.Protos.SharedMemory;

/// <summary>The coordinator's end of the ring that brings results: it keeps their order, also of those too large for a slot.</summary>
public sealed class ResultReader : IAsyncDisposable
{
    private readonly SlotReader _slots;
    private readonly BlockingCollection<MicrobatchResult> _elsewhere = [];
    private bool _isStarted;

    private ResultReader(SharedRing ring) => _slots = new SlotReader(ring);

    /// <summary>For the last stage to find the ring.</summary>
    public string Address => _slots.Ring.Address.ToString();

    /// <summary>Throws <see cref="IOException"/> where there is no shared memory.</summary>
    public static ResultReader Create() => new(SharedRing.Create(RingLayout.OfResults));

    /// <param name="onResult">Called in the reading thread, in the order in which results were written.</param>
    /// <param name="alertness">How long to look out for the next result before sleeping.</param>
    public void Start(Action<MicrobatchResult> onResult, Action<StageException> onFailure, TimeSpan alertness)
    {
        _isStarted = true;
        _slots.Start((slot, control) => onResult(Take(slot, control)), failure => Report(failure, onFailure), alertness);
    }

    /// <summary>Takes a result that came with the stage's events.</summary>
    public void AddElsewhere(MicrobatchResult result) => _elsewhere.Add(result);

    public async ValueTask DisposeAsync()
    {
        _elsewhere.CompleteAdding();
        _slots.Complete(new OperationCanceledException());
        if (_isStarted)
        {
            await _slots.Finished.ConfigureAwait(false);
        }

        _slots.Dispose();
        _elsewhere.Dispose();
    }

    private static void Report(Exception? failure, Action<StageException> onFailure)
    {
        if (failure is not (null or OperationCanceledException))
        {
            onFailure(failure as StageException ?? new StageException(StageError.Malformed, $"not a result: {failure.Message}", null, failure));
        }
    }

    private MicrobatchResult Take(int slot, SlotControl control)
    {
        try
        {
            if (control.IsElsewhere == 0)
            {
                return ResultCodec.FromWire(Wire.Parser.ParseFrom(_slots.Header(slot, control)));
            }
        }
        finally
        {
            _slots.Free(slot);
        }

        return _elsewhere.TryTake(out var result, Timeout.Infinite) ? result : throw new OperationCanceledException();
    }
}
