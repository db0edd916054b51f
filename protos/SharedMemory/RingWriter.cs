using Pipeline.Protos.Codec;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Stages;
using ElementType = Pipeline.Shared.Models.ElementType;

namespace Pipeline.Protos.SharedMemory;

/// <summary>The sending end of a ring of steps. One writer at a time.</summary>
public sealed class RingWriter : IDisposable
{
    /// <summary>Steps that a ring holds.</summary>
    public const int SlotCount = RingLayout.StepSlots;

    private readonly SlotWriter _slots;

    // What the reader has been told of and may still be reading.
    private readonly IDeviceSlot?[] _deviceSlots;

    private RingWriter(SharedRing ring)
    {
        _slots = new SlotWriter(ring);
        _deviceSlots = new IDeviceSlot?[ring.Layout.SlotCount];
    }

    /// <summary>For the reader's process to find the ring.</summary>
    public string Address => _slots.Ring.Address.ToString();

    /// <summary>A ring for steps of so many rows of hidden states; throws <see cref="IOException"/> where there is no shared memory.</summary>
    public static RingWriter Create(int maxRows, int width, ElementType elementType) =>
        new(SharedRing.Create(RingLayout.OfSteps((long)maxRows * width * elementType.ByteSize())));

    /// <summary>A ring for steps without hidden states.</summary>
    public static RingWriter CreateForTokens() => new(SharedRing.Create(RingLayout.OfSteps(0)));

    /// <summary>
    /// Writes a step into the next slot, unless the reader still has it. The hidden states stay the caller's, but for a slot of
    /// device memory, which is kept until the reader has read it.
    /// </summary>
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

    public void Dispose()
    {
        for (var slot = 0; slot < _deviceSlots.Length; slot++)
        {
            FreeDeviceSlot(slot);
        }

        _slots.Dispose();
    }

    private void Write(int slot, Microbatch microbatch, HiddenStates? hidden)
    {
        FreeDeviceSlot(slot);
        if (!_slots.TryWriteHeader(slot, MicrobatchCodec.ToWire(microbatch)))
        {
            throw new StageException(StageError.BatchTooLarge, $"the bookkeeping of step {microbatch.Step} takes more than the {_slots.Ring.Layout.HeaderCapacity} bytes of a slot") { Step = microbatch.Step };
        }

        ref var control = ref _slots.Ring.Control(slot);
        control.HasHidden = hidden is null ? 0 : 1;
        control.DeviceSlot = 0;
        if (hidden is not null)
        {
            (control.ElementType, control.Rows, control.Width) = ((int)ElementTypeCodec.ToWire(hidden.ElementType), hidden.Rows, hidden.Width);
            if (hidden.DeviceSlot is { } deviceSlot)
            {
                control.DeviceSlot = deviceSlot.Index + 1;
                _deviceSlots[slot] = hidden.TakeDeviceSlot();
            }
            else
            {
                WritePayload(slot, hidden);
            }
        }

        _slots.Publish(slot);
    }

    private void FreeDeviceSlot(int slot)
    {
        _deviceSlots[slot]?.Dispose();
        _deviceSlots[slot] = null;
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
