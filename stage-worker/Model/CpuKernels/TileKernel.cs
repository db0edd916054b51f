using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// The inner product of the house: a tile of up to 12 rows times a panel of 32 columns, all sums held in registers. Each
/// output is one chain of fused multiply-adds over ascending depth, whatever the number of rows beside it.
/// </summary>
/// <remarks>
/// rows: [depth, tile rows], panel: [depth, 32], sums: [tile rows, 32] with a stride. 24 accumulators of 512 bits, 2 loads of the
/// panel and 12 broadcasts for 24 multiply-adds: bound by the multiply-add units (115 of about 118 GFLOP/s on one Zen 4 core);
/// one row is bound by reading the panel.
/// </remarks>
internal static unsafe class TileKernel
{
    /// <summary>Columns of a panel.</summary>
    public const int Columns = 2 * LaneCount.Value;

    /// <summary>Tile heights there are kernels for: the smallest one that holds <paramref name="rows"/> rows.</summary>
    public static int TileRowsFor(int rows) => rows switch { <= 2 => rows, <= 4 => 4, <= 8 => 8, _ => 12 };

    /// <summary>Computes a tile of exactly <paramref name="tileRows"/> rows; adds to <paramref name="sums"/> or overwrites it.</summary>
    public static void Multiply<TLanes>(int tileRows, float* rows, float* panel, int depth, float* sums, nint stride, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        switch (tileRows)
        {
            case 1: Multiply1<TLanes>(rows, panel, depth, sums, add); break;
            case 2: Multiply2<TLanes>(rows, panel, depth, sums, stride, add); break;
            case 4: Multiply4<TLanes>(rows, panel, depth, sums, stride, add); break;
            case 8: Multiply8<TLanes>(rows, panel, depth, sums, stride, add); break;
            default: Multiply12<TLanes>(rows, panel, depth, sums, stride, add); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply1<TLanes>(float* rows, float* panel, int depth, float* sums, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes a0 = default, a1 = default;
        for (; depth > 0; depth--, rows++, panel += Columns)
        {
            Accumulate(ref a0, ref a1, rows, TLanes.Load(panel), TLanes.Load(panel + LaneCount.Value));
        }

        Store(a0, a1, sums, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply2<TLanes>(float* rows, float* panel, int depth, float* sums, nint stride, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes a0 = default, a1 = default, b0 = default, b1 = default;
        for (; depth > 0; depth--, rows += 2, panel += Columns)
        {
            var left = TLanes.Load(panel);
            var right = TLanes.Load(panel + LaneCount.Value);
            Accumulate(ref a0, ref a1, rows, left, right);
            Accumulate(ref b0, ref b1, rows + 1, left, right);
        }

        Store(a0, a1, sums, add);
        Store(b0, b1, sums + stride, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply4<TLanes>(float* rows, float* panel, int depth, float* sums, nint stride, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        for (; depth > 0; depth--, rows += 4, panel += Columns)
        {
            var left = TLanes.Load(panel);
            var right = TLanes.Load(panel + LaneCount.Value);
            Accumulate(ref a0, ref a1, rows, left, right);
            Accumulate(ref b0, ref b1, rows + 1, left, right);
            Accumulate(ref c0, ref c1, rows + 2, left, right);
            Accumulate(ref d0, ref d1, rows + 3, left, right);
        }

        Store(a0, a1, sums, add);
        Store(b0, b1, sums + stride, add);
        Store(c0, c1, sums + (2 * stride), add);
        Store(d0, d1, sums + (3 * stride), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply8<TLanes>(float* rows, float* panel, int depth, float* sums, nint stride, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        TLanes e0 = default, e1 = default, f0 = default, f1 = default, g0 = default, g1 = default, h0 = default, h1 = default;
        for (; depth > 0; depth--, rows += 8, panel += Columns)
        {
            var left = TLanes.Load(panel);
            var right = TLanes.Load(panel + LaneCount.Value);
            Accumulate(ref a0, ref a1, rows, left, right);
            Accumulate(ref b0, ref b1, rows + 1, left, right);
            Accumulate(ref c0, ref c1, rows + 2, left, right);
            Accumulate(ref d0, ref d1, rows + 3, left, right);
            Accumulate(ref e0, ref e1, rows + 4, left, right);
            Accumulate(ref f0, ref f1, rows + 5, left, right);
            Accumulate(ref g0, ref g1, rows + 6, left, right);
            Accumulate(ref h0, ref h1, rows + 7, left, right);
        }

        Store(a0, a1, sums, add);
        Store(b0, b1, sums + stride, add);
        Store(c0, c1, sums + (2 * stride), add);
        Store(d0, d1, sums + (3 * stride), add);
        Store(e0, e1, sums + (4 * stride), add);
        Store(f0, f1, sums + (5 * stride), add);
        Store(g0, g1, sums + (6 * stride), add);
        Store(h0, h1, sums + (7 * stride), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply12<TLanes>(float* rows, float* panel, int depth, float* sums, nint stride, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        TLanes e0 = default, e1 = default, f0 = default, f1 = default, g0 = default, g1 = default, h0 = default, h1 = default;
        TLanes i0 = default, i1 = default, j0 = default, j1 = default, k0 = default, k1 = default, l0 = default, l1 = default;
        for (; depth > 0; depth--, rows += 12, panel += Columns)
        {
            var left = TLanes.Load(panel);
            var right = TLanes.Load(panel + LaneCount.Value);
            Accumulate(ref a0, ref a1, rows, left, right);
            Accumulate(ref b0, ref b1, rows + 1, left, right);
            Accumulate(ref c0, ref c1, rows + 2, left, right);
            Accumulate(ref d0, ref d1, rows + 3, left, right);
            Accumulate(ref e0, ref e1, rows + 4, left, right);
            Accumulate(ref f0, ref f1, rows + 5, left, right);
            Accumulate(ref g0, ref g1, rows + 6, left, right);
            Accumulate(ref h0, ref h1, rows + 7, left, right);
            Accumulate(ref i0, ref i1, rows + 8, left, right);
            Accumulate(ref j0, ref j1, rows + 9, left, right);
            Accumulate(ref k0, ref k1, rows + 10, left, right);
            Accumulate(ref l0, ref l1, rows + 11, left, right);
        }

        Store(a0, a1, sums, add);
        Store(b0, b1, sums + stride, add);
        Store(c0, c1, sums + (2 * stride), add);
        Store(d0, d1, sums + (3 * stride), add);
        Store(e0, e1, sums + (4 * stride), add);
        Store(f0, f1, sums + (5 * stride), add);
        Store(g0, g1, sums + (6 * stride), add);
        Store(h0, h1, sums + (7 * stride), add);
        Store(i0, i1, sums + (8 * stride), add);
        Store(j0, j1, sums + (9 * stride), add);
        Store(k0, k1, sums + (10 * stride), add);
        Store(l0, l1, sums + (11 * stride), add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate<TLanes>(ref TLanes sum0, ref TLanes sum1, float* element, TLanes left, TLanes right)
        where TLanes : struct, ILanes<TLanes>
    {
        var broadcast = TLanes.Broadcast(*element);
        sum0 = TLanes.FusedMultiplyAdd(broadcast, left, sum0);
        sum1 = TLanes.FusedMultiplyAdd(broadcast, right, sum1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(TLanes sum0, TLanes sum1, float* target, bool add)
        where TLanes : struct, ILanes<TLanes>
    {
        if (add)
        {
            sum0 = TLanes.Add(TLanes.Load(target), sum0);
            sum1 = TLanes.Add(TLanes.Load(target + LaneCount.Value), sum1);
        }

        TLanes.Store(sum0, target);
        TLanes.Store(sum1, target + LaneCount.Value);
    }
}
