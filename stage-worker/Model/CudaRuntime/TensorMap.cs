using System.Runtime.CompilerServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>CUtensorMap: a bf16 tensor as Hopper's copy engine sees it, and the box it brings at a time. Only the driver understands its words.</summary>
[InlineArray(Words)]
internal struct TensorMap
{
    /// <summary>Columns of a box: a line of 128 bytes in shared memory, whose 16-byte pieces are swapped by the line's number.</summary>
    public const int BoxColumns = 64;

    private const int Words = 16;
    private const int Alignment = 64;
    private const int BFloat16 = 9;
    private const int Plain = 0;
    private const int Swap128Bytes = 3;
    private const int Fetch256Bytes = 3;
    private const int ZerosOutside = 0;

    private ulong _first;

    /// <summary>Dimensions from the innermost one, the columns, on, which lie one behind the other.</summary>
    /// <param name="strides">In bytes, of all dimensions but the first.</param>
    /// <param name="box">How much of all dimensions but the first.</param>
    public static unsafe TensorMap Of(nint address, ReadOnlySpan<ulong> sizes, ReadOnlySpan<ulong> strides, ReadOnlySpan<uint> box)
    {
        uint[] whole = [BoxColumns, .. box];
        var steps = new uint[sizes.Length];
        steps.AsSpan().Fill(1);
        var space = stackalloc byte[(Words * sizeof(ulong)) + Alignment];
        var map = (TensorMap*)(((nint)space + Alignment - 1) / Alignment * Alignment);
        fixed (ulong* size = sizes, stride = strides)
        fixed (uint* boxed = whole, step = steps)
        {
            CudaException.Check(
                CudaDriver.cuTensorMapEncodeTiled(map, BFloat16, (uint)sizes.Length, address, size, stride, boxed, step, Plain, Swap128Bytes, Fetch256Bytes, ZerosOutside),
                $"describe a tensor of {string.Join(" x ", sizes.ToArray())} to the copy engine");
        }

        return *map;
    }
}
