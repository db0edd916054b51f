using System.Runtime.InteropServices;

namespace Pipeline.Model.CudaRuntime;

/// <summary>
/// CUtensorMap: where the copy engine of Hopper devices finds the boxes of a bf16 array. A box is 64 columns (128 bytes) wide and lies
/// swizzled in shared memory, as tensor core products read it; what it has beyond the array comes as zeros.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal unsafe struct TensorMap
{
    /// <summary>Columns of a box.</summary>
    public const int BoxColumns = 64;

    /// <summary>Rows of one half beside as many of the other.</summary>
    public const int Interleaved = 8;

    private const int Bytes = 128;
    private const int Alignment = 64;
    private const int BFloat16 = 9;
    private const int Swizzled128 = 3;
    private const int Promoted256 = 3;
    private ulong _first;

    /// <summary>Boxes of some rows of a matrix <c>[rows, columns]</c>.</summary>
    public static TensorMap Of(nint matrix, int rows, int columns, int boxRows) =>
        Of(matrix, [(ulong)columns, (ulong)rows], [(ulong)columns * 2], [(uint)boxRows]);

    /// <summary>Boxes that take 8 rows of the upper half of a matrix, the same 8 of the lower half, and so on.</summary>
    public static TensorMap OfHalves(nint matrix, int rows, int columns, int boxRows)
    {
        var (sizes, strides) = GroupsOf(1, rows, columns, halves: true);
        return Of(matrix, sizes.AsSpan()[..^1], strides.AsSpan()[..^1], [Interleaved, 2, (uint)boxRows / (2 * Interleaved)]);
    }

    /// <summary>
    /// Axes of matrices <c>[matrices, rows, columns]</c> in groups of 16 rows: 8 of the upper half and the 8 of the lower half that
    /// belong to them, or 16 that follow each other. Innermost first.
    /// </summary>
    public static (ulong[] Sizes, ulong[] Strides) GroupsOf(int matrices, int rows, int columns, bool halves)
    {
        var line = (ulong)columns * sizeof(ushort);
        var half = (ulong)rows / 2 * line;
        return (
            [(ulong)columns, Interleaved, 2, (ulong)rows / (2 * Interleaved), (ulong)matrices],
            [line, halves ? half : Interleaved * line, (halves ? 1u : 2u) * Interleaved * line, 2 * half]);
    }

    /// <summary>Axes from the columns on, whose elements lie one behind the other.</summary>
    /// <param name="strides">In bytes, of all axes but the first.</param>
    /// <param name="box">How much of all axes but the first.</param>
    public static TensorMap Of(nint array, ReadOnlySpan<ulong> sizes, ReadOnlySpan<ulong> strides, ReadOnlySpan<uint> box)
    {
        var memory = stackalloc byte[Bytes + Alignment];
        var aligned = (byte*)(((nint)memory + Alignment - 1) & -Alignment);
        var ones = stackalloc uint[] { 1, 1, 1, 1, 1 };
        ReadOnlySpan<uint> edgesOfAll = [BoxColumns, .. box];
        fixed (ulong* size = sizes, stride = strides)
        fixed (uint* edges = edgesOfAll)
        {
            CudaException.Check(
                CudaDriver.cuTensorMapEncodeTiled(aligned, BFloat16, (uint)sizes.Length, array, size, stride, edges, ones, 0, Swizzled128, Promoted256, 0),
                $"describe an array of {sizes.Length} axes");
        }

        return *(TensorMap*)aligned;
    }
}
