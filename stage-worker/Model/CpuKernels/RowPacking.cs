using System.Runtime.CompilerServices;

namespace Pipeline.Model.CpuKernels;

/// <summary>Brings rows into the order in which <see cref="TileKernel"/> reads them: [tile, depth, row in the tile].</summary>
/// <remarks>Bound by memory: reads and writes each element once, against (outputs) multiply-adds for each later on.</remarks>
internal static unsafe class RowPacking
{
    /// <summary>Floats that the packed rows take, rows added to fill the last tile included.</summary>
    public static long PackedSize(int rows, int depth, int tileRows)
    {
        var last = rows % tileRows;
        return (long)(rows - last + (last == 0 ? 0 : TileKernel.TileRowsFor(last))) * depth;
    }

    /// <summary>Packs one tile; rows beyond <paramref name="rows"/> become zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackTile(float* source, int rows, int depth, float* target)
    {
        var tileRows = TileKernel.TileRowsFor(rows);
        var row = 0;
        for (; row + 4 <= rows; row += 4)
        {
            PackFour(source + ((nint)row * depth), depth, target + row, tileRows);
        }

        for (; row < tileRows; row++)
        {
            PackOne(row < rows ? source + ((nint)row * depth) : null, depth, target + row, tileRows);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackFour(float* source, int depth, float* target, int tileRows)
    {
        float* second = source + depth, third = second + depth, fourth = third + depth;
        for (nint k = 0; k < depth; k++, target += tileRows)
        {
            target[0] = source[k];
            target[1] = second[k];
            target[2] = third[k];
            target[3] = fourth[k];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackOne(float* source, int depth, float* target, int tileRows)
    {
        for (nint k = 0; k < depth; k++, target += tileRows)
        {
            *target = source is null ? 0 : source[k];
        }
    }
}
