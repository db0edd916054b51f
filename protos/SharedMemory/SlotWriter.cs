using Google.Protobuf;

namespace Pipeline.Protos.SharedMemory;

/// <summary>Takes the slots of a ring in turn. One writer at a time.</summary>
internal sealed unsafe class SlotWriter(SharedRing ring) : IDisposable
{
    private int _next;

    public SharedRing Ring => ring;

    /// <summary>The slot to write into; false while the reader still has it.</summary>
    public bool TryBegin(out int slot)
    {
        slot = _next;
        return Volatile.Read(ref ring.Control(slot).State) == SlotControl.Free;
    }

    /// <summary>Waits for the slot as long as it takes. Blocks its thread.</summary>
    public int Begin(CancellationToken cancellationToken)
    {
        if (TryBegin(out var slot))
        {
            return slot;
        }

        using var wakeUp = cancellationToken.Register(() => ring.Released.Ring());
        while (true)
        {
            var seen = ring.Released.Count;
            cancellationToken.ThrowIfCancellationRequested();
            if (TryBegin(out slot))
            {
                return slot;
            }

            ring.Released.Wait(seen, TimeSpan.Zero);
        }
    }

    /// <summary>False if the message is larger than a slot.</summary>
    public bool TryWriteHeader(int slot, IMessage message)
    {
        var size = message.CalculateSize();
        if (size > ring.Layout.HeaderCapacity)
        {
            return false;
        }

        message.WriteTo(new Span<byte>(ring.Header(slot), size));
        ring.Control(slot).HeaderBytes = size;
        return true;
    }

    public void Publish(int slot)
    {
        Volatile.Write(ref ring.Control(slot).State, SlotControl.Published);
        ring.Published.Ring();
        _next = (slot + 1) % ring.Layout.SlotCount;
    }

    public void Dispose() => ring.Dispose();
}
