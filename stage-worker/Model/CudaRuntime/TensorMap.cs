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
        var (row, half) = ((ulong)columns * 2, (ulong)rows / 2);
        return Of(matrix, [(ulong)columns, 8, 2, half / 8], [row, half * row, 8 * row], [8, 2, (uint)boxRows / 16]);
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
