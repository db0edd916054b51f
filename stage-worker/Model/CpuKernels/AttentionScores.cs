using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>Scores of a tile's keys, four at a time, for four queries or one.</summary>
/// <remarks>headDim / 16 multiply-adds and its share of a reduction for each (query, key); 4 x 4 loads each vector once for four uses.</remarks>
internal static unsafe class AttentionScores
{
    public static void Compute<TLanes>(int firstQuery, int endQuery, int from, int to, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        for (var key = from & ~3; key < to; key += 4)
        {
            var query = firstQuery;
            for (; TLanes.TileRows >= 4 && query + 4 <= endQuery; query += 4)
            {
                FourQueries<TLanes>(query, key, state);
            }

            for (; query < endQuery; query++)
            {
                OneQuery<TLanes>(query, key, state);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneQuery<TLanes>(int query, int key, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        var q = state.Queries + (query * state.HeadDim);
        float* k0 = state.Keys + state.Offsets[key], k1 = state.Keys + state.Offsets[key + 1];
        float* k2 = state.Keys + state.Offsets[key + 2], k3 = state.Keys + state.Offsets[key + 3];
        TLanes s0 = default, s1 = default, s2 = default, s3 = default;
        for (nint d = 0; d < state.HeadDim; d += LaneCount.Value)
        {
            var x = TLanes.Load(q + d);
            s0 = TLanes.FusedMultiplyAdd(x, TLanes.Load(k0 + d), s0);
            s1 = TLanes.FusedMultiplyAdd(x, TLanes.Load(k1 + d), s1);
            s2 = TLanes.FusedMultiplyAdd(x, TLanes.Load(k2 + d), s2);
            s3 = TLanes.FusedMultiplyAdd(x, TLanes.Load(k3 + d), s3);
        }

        TLanes.StoreSums(s0, s1, s2, s3, state.Scores + (query * AttentionKernel.KeyTile) + key);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourQueries<TLanes>(int query, int key, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        nint headDim = state.HeadDim;
        var q = state.Queries + (query * headDim);
        float* k0 = state.Keys + state.Offsets[key], k1 = state.Keys + state.Offsets[key + 1];
        float* k2 = state.Keys + state.Offsets[key + 2], k3 = state.Keys + state.Offsets[key + 3];
        TLanes a0 = default, a1 = default, a2 = default, a3 = default, b0 = default, b1 = default, b2 = default, b3 = default;
        TLanes c0 = default, c1 = default, c2 = default, c3 = default, d0 = default, d1 = default, d2 = default, d3 = default;
        for (nint d = 0; d < headDim; d += LaneCount.Value)
        {
            var x0 = TLanes.Load(k0 + d);
            var x1 = TLanes.Load(k1 + d);
            var x2 = TLanes.Load(k2 + d);
            var x3 = TLanes.Load(k3 + d);
            Accumulate(ref a0, ref a1, ref a2, ref a3, TLanes.Load(q + d), x0, x1, x2, x3);
            Accumulate(ref b0, ref b1, ref b2, ref b3, TLanes.Load(q + headDim + d), x0, x1, x2, x3);
            Accumulate(ref c0, ref c1, ref c2, ref c3, TLanes.Load(q + (2 * headDim) + d), x0, x1, x2, x3);
            Accumulate(ref d0, ref d1, ref d2, ref d3, TLanes.Load(q + (3 * headDim) + d), x0, x1, x2, x3);
        }

        var scores = state.Scores + (query * AttentionKernel.KeyTile) + key;
        TLanes.StoreSums(a0, a1, a2, a3, scores);
        TLanes.StoreSums(b0, b1, b2, b3, scores + AttentionKernel.KeyTile);
        TLanes.StoreSums(c0, c1, c2, c3, scores + (2 * AttentionKernel.KeyTile));
        TLanes.StoreSums(d0, d1, d2, d3, scores + (3 * AttentionKernel.KeyTile));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Accumulate<TLanes>(
        ref TLanes s0, ref TLanes s1, ref TLanes s2, ref TLanes s3, TLanes q, TLanes k0, TLanes k1, TLanes k2, TLanes k3)
        where TLanes : struct, ILanes<TLanes>
    {
        s0 = TLanes.FusedMultiplyAdd(q, k0, s0);
        s1 = TLanes.FusedMultiplyAdd(q, k1, s1);
        s2 = TLanes.FusedMultiplyAdd(q, k2, s2);
        s3 = TLanes.FusedMultiplyAdd(q, k3, s3);
    }
}
