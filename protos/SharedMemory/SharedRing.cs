namespace Pipeline.Protos.SharedMemory;

/// <summary>
/// Slots in shared memory, filled and emptied in turn: one message each, and the tensor that belongs to it. One process writes,
/// one reads, and either may have made it. The first page says how the rest is laid out.
/// </summary>
internal sealed unsafe class SharedRing : IDisposable
{
    private const ulong Magic = 0x31_47_4E_49_52_50_49_50; // "PIPRING1"
    private const int NonceOffset = 8;
    private const int LayoutOffset = 32;
    private const int PublishedOffset = 128;
    private const int ReleasedOffset = 256;

    private readonly SharedSegment _segment;

    private SharedRing(SharedSegment segment, RingLayout layout)
    {
        _segment = segment;
        Layout = layout;
    }

    public RingLayout Layout { get; }

    /// <summary>Rung by the writer when a slot is published.</summary>
    public Bell Published => new(_segment.Start + PublishedOffset);

    /// <summary>Rung by the reader when a slot is free again.</summary>
    public Bell Released => new(_segment.Start + ReleasedOffset);

    /// <summary>For another process to find it; only where it was made.</summary>
    public RingAddress Address => new(RingAddress.ThisHost, Environment.ProcessId, _segment.Descriptor, _segment.Length, *(Guid*)(_segment.Start + NonceOffset));

    /// <summary>Throws <see cref="IOException"/> where there is no shared memory.</summary>
    public static SharedRing Create(RingLayout layout)
    {
        RequireSupport();
        var segment = SharedSegment.Create(layout.Length);
        *(ulong*)segment.Start = Magic;
        *(Guid*)(segment.Start + NonceOffset) = Guid.NewGuid();
        *(RingLayout*)(segment.Start + LayoutOffset) = layout;
        return new SharedRing(segment, layout);
    }

    /// <summary>Maps the ring of another process; throws <see cref="IOException"/> with the reason why it cannot be used.</summary>
    public static SharedRing Open(string text)
    {
        var address = RingAddress.Parse(text);
        RequireSupport();
        if (address.Host != RingAddress.ThisHost)
        {
            throw new IOException("the two processes are on different hosts");
        }

        var segment = Map(address);
        var layout = *(RingLayout*)(segment.Start + LayoutOffset);
        if (*(ulong*)segment.Start == Magic && *(Guid*)(segment.Start + NonceOffset) == address.Nonce && layout.IsSound && layout.Length == address.Length)
        {
            return new SharedRing(segment, layout);
        }

        segment.Dispose();
        throw new IOException($"the shared memory of process {address.Process} is not the one that was announced");
    }

    public ref SlotControl Control(int slot) => ref ((SlotControl*)(_segment.Start + RingLayout.ControlOffset))[slot];

    public byte* Header(int slot) => _segment.Start + Layout.OffsetOf(slot);

    public byte* Payload(int slot) => Header(slot) + Layout.HeaderCapacity;

    /// <summary>Keeps the memory mapped while somebody reads a slot.</summary>
    public void Retain() => _segment.Retain();

    public void Release() => _segment.Release();

    public void Dispose() => _segment.Dispose();

    private static SharedSegment Map(RingAddress address)
    {
        try
        {
            return SharedSegment.Open(address.Process, address.Descriptor, address.Length);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or ArgumentException)
        {
            throw new IOException($"process {address.Process} belongs to another user", exception);
        }
    }

    private static void RequireSupport()
    {
        if (!Futex.IsSupported)
        {
            throw new IOException("memory is shared between processes on Linux only");
        }
    }
}
