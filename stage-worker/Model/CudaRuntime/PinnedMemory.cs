using System.Buffers;

namespace Pipeline.Model.CudaRuntime;

/// <summary>Host memory that the device copies to and from by itself, without a detour through a staging buffer of the driver's.</summary>
internal sealed unsafe class PinnedMemory : MemoryManager<byte>
{
    private readonly int _length;
    private readonly Action<PinnedMemory>? _giveBack;

    /// <param name="giveBack">Takes the memory when its user is done with it; null frees it then.</param>
    public PinnedMemory(int length, Action<PinnedMemory>? giveBack)
    {
        _length = length;
        _giveBack = giveBack;
        CudaException.Check(CudaDriver.cuMemHostAlloc(out var pointer, (nuint)length, 1), $"pin {length} bytes of host memory");
        Pointer = pointer;
    }

    public nint Pointer { get; }

    public int Length => _length;

    public override Span<byte> GetSpan() => new((void*)Pointer, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new((byte*)Pointer + elementIndex);

    public override void Unpin()
    {
        // It never moves.
    }

    public void Free() => _ = CudaDriver.cuMemFreeHost(Pointer);

    protected override void Dispose(bool disposing)
    {
        if (_giveBack is { } giveBack)
        {
            giveBack(this);
        }
        else
        {
            Free();
        }
    }
}
