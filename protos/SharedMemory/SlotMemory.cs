using System.Buffers;

namespace Pipeline.Protos.SharedMemory;

/// <summary>The payload of a slot as memory that its reader owns. Disposing it gives the slot back to the writer.</summary>
internal sealed unsafe class SlotMemory : MemoryManager<byte>
{
    private readonly SlotReader _reader;
    private readonly int _slot;
    private int _isGivenBack;

    public SlotMemory(SlotReader reader, int slot)
    {
        _reader = reader;
        _slot = slot;
        reader.Ring.Retain();
    }

    public override Span<byte> GetSpan() => new(_reader.Ring.Payload(_slot), (int)Math.Min(_reader.Ring.Layout.PayloadCapacity, int.MaxValue));

    public override MemoryHandle Pin(int elementIndex = 0) => new(_reader.Ring.Payload(_slot) + elementIndex);

    public override void Unpin()
    {
        // It never moves.
    }

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _isGivenBack, 1) == 0)
        {
            _reader.Free(_slot);
            _reader.Ring.Release();
        }
    }
}
