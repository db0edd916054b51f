using Pipeline.Protos.Codec;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.Protos.SharedMemory;

/// <summary>The sending end of a ring of steps. One writer at a time.</summary>
public sealed class RingWriter : IDisposable
{
    private readonly SlotWriter _slots;

    private RingWriter(SharedRing ring) => _slots = new SlotWriter(ring);

    /// <summary>For the reader's process to find the ring.</summary>
    public string Address => _slots.Ring.Address.ToString();

    /// <summary>A ring for steps of so many rows of hidden states; throws <see cref="IOException"/> where there is no shared memory.</summary>
    public static RingWriter Create(int maxRows, int width, ElementType elementType) =>
        new(SharedRing.Create(RingLayout.OfSteps((long)maxRows * width * elementType.ByteSize())));

    /// <summary>A ring for steps without hidden states.</summary>
    public static RingWriter CreateForTokens() => new(SharedRing.Create(RingLayout.OfSteps(0)));

    /// <summary>Writes a step into the next slot, unless the reader still has it. The hidden states stay the caller's.</summary>
    public bool TryWrite(Microbatch microbatch, HiddenStates? hidden)
    {
        if (!_slots.TryBegin(out var slot))
        {
            return false;
        }

        Write(slot, microbatch, hidden);
        return true;
    }

    /// <summary>Writes a step, and waits for its slot as long as it takes. Blocks its thread.</summary>
    public void Write(Microbatch microbatch, HiddenStates? hidden, CancellationToken cancellationToken) =>
        Write(_slots.Begin(cancellationToken), microbatch, hidden);

    public void Dispose() => _slots.Dispose();

    private void Write(int slot, Microbatch microbatch, HiddenStates? hidden)
    {
        if (!_slots.TryWriteHeader(slot, MicrobatchCodec.ToWire(microbatch)))
        {
            throw new StageException(StageError.BatchTooLarge, $"the bookkeeping of step {microbatch.Step} takes more than the {_slots.Ring.Layout.HeaderCapacity} bytes of a slot");
        }

        ref var control = ref _slots.Ring.Control(slot);
        control.HasHidden = hidden is null ? 0 : 1;
        if (hidden is not null)
        {
            (control.ElementType, control.Rows, control.Width) = ((int)ElementTypeCodec.ToWire(hidden.ElementType), hidden.Rows, hidden.Width);
            WritePayload(slot, hidden);
        }

        _slots.Publish(slot);
    }

    private unsafe void WritePayload(int slot, HiddenStates hidden)
    {
        var ring = _slots.Ring;
        if (hidden.ByteCount > ring.Layout.PayloadCapacity)
        {
            throw new StageException(StageError.BatchTooLarge, $"hidden states of {hidden.ByteCount} bytes, the ring was made for {ring.Layout.PayloadCapacity}");
        }

        hidden.Bytes.Span.CopyTo(new Span<byte>(ring.Payload(slot), hidden.ByteCount));
    }
}
