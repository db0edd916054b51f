using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>Adds a tile's weighted values to the queries' outputs: one chain of multiply-adds over ascending keys for each element.</summary>
/// <remarks>
/// Two vectors of sixteen elements at a time. Where the head has an odd number of them the last is computed twice, with the same result.
/// </remarks>
internal static unsafe class AttentionValues
{
    public static void Accumulate<TLanes>(int firstQuery, int endQuery, int from, int to, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        for (var d = 0; d < state.HeadDim; d += 2 * LaneCount.Value)
        {
            var next = d + LaneCount.Value < state.HeadDim ? LaneCount.Value : 0;
            var query = firstQuery;
            for (; TLanes.TileRows >= 4 && query + 4 <= endQuery; query += 4)
            {
                FourQueries<TLanes>(query, from, to, d, next, state);
            }

            for (; query < endQuery; query++)
            {
                OneQuery<TLanes>(query, from, to, d, next, state);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OneQuery<TLanes>(int query, int from, int to, nint d, nint next, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        var weights = state.Scores + (query * AttentionKernel.KeyTile);
        var output = state.Outputs + ((nint)query * state.HeadDim) + d;
        var values = state.Values + d;
        TLanes a0 = TLanes.Load(output), a1 = TLanes.Load(output + next);
        for (var key = from; key < to; key++)
        {
            var value = values + state.Offsets[key];
            AddWeighted(ref a0, ref a1, weights + key, TLanes.Load(value), TLanes.Load(value + next));
        }

        Store(a0, a1, output, next);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourQueries<TLanes>(int query, int from, int to, nint d, nint next, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        nint headDim = state.HeadDim;
        var weights = state.Scores + (query * AttentionKernel.KeyTile);
        var output = state.Outputs + (query * headDim) + d;
        var values = state.Values + d;
        TLanes a0 = TLanes.Load(output), a1 = TLanes.Load(output + next);
        TLanes b0 = TLanes.Load(output + headDim), b1 = TLanes.Load(output + headDim + next);
        TLanes c0 = TLanes.Load(output + (2 * headDim)), c1 = TLanes.Load(output + (2 * headDim) + next);
        TLanes d0 = TLanes.Load(output + (3 * headDim)), d1 = TLanes.Load(output + (3 * headDim) + next);
        for (var key = from; key < to; key++)
        {
            var value = values + state.Offsets[key];
            var left = TLanes.Load(value);
            var right = TLanes.Load(value + next);
            AddWeighted(ref a0, ref a1, weights + key, left, right);
            AddWeighted(ref b0, ref b1, weights + AttentionKernel.KeyTile + key, left, right);
            AddWeighted(ref c0, ref c1, weights + (2 * AttentionKernel.KeyTile) + key, left, right);
            AddWeighted(ref d0, ref d1, weights + (3 * AttentionKernel.KeyTile) + key, left, right);
        }

        Store(a0, a1, output, next);
        Store(b0, b1, output + headDim, next);
        Store(c0, c1, output + (2 * headDim), next);
        Store(d0, d1, output + (3 * headDim), next);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddWeighted<TLanes>(ref TLanes sum0, ref TLanes sum1, float* weight, TLanes left, TLanes right)
        where TLanes : struct, ILanes<TLanes>
    {
        var broadcast = TLanes.Broadcast(*weight);
        sum0 = TLanes.FusedMultiplyAdd(broadcast, left, sum0);
        sum1 = TLanes.FusedMultiplyAdd(broadcast, right, sum1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TLanes>(TLanes sum0, TLanes sum1, float* output, nint next)
        where TLanes : struct, ILanes<TLanes>
    {
        TLanes.Store(sum0, output);
        TLanes.Store(sum1, output + next);
    }
}
