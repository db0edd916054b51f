using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Attention of a few consecutive rows of one sequence for one key/value head: a streaming softmax over key tiles that are
/// aligned to absolute positions, so that a query goes through the same sums in the same order however it came here.
/// </summary>
/// <remarks>
/// A query's score is sixteen partial sums joined by the fixed tree; its maximum, denominator and output are updated once a key
/// tile. Keys it does not see are never part of a sum, and slots that no row of the tile sees are never read.
/// </remarks>
internal static unsafe class AttentionKernel
{
    /// <summary>Keys to a tile. Part of the arithmetic, and for that reason independent of the cache's block size.</summary>
    public const int KeyTile = 2 * LaneCount.Value;

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Attend<TLanes>(in AttentionBatch batch, int firstRow, int rows, int kvHead)
        where TLanes : struct, ILanes<TLanes>
    {
        var headDim = batch.Cache.HeadDim;
        var queries = rows * batch.GroupSize;
        var memory = stackalloc float[(queries * ((2 * headDim) + KeyTile + 2)) + LaneCount.Value];
        var offsets = stackalloc nint[2 * KeyTile];
        var state = new AttentionState(Align(memory), queries, headDim)
        {
            Keys = batch.Cache.Keys + ((nint)kvHead * headDim),
            Values = batch.Cache.Values + ((nint)kvHead * headDim),
            Offsets = offsets,
        };
        LoadQueries(batch, firstRow, rows, kvHead, state);
        var visible = (First: batch.FirstVisible(batch.Positions[firstRow]), Last: batch.Positions[firstRow] + rows - 1);
        var tile = visible.First / KeyTile * KeyTile;
        LocateKeys(batch, batch.Sequences[firstRow], tile, visible, state.Offsets);
        for (; tile <= visible.Last; tile += KeyTile)
        {
            if (tile + KeyTile <= visible.Last)
            {
                LocateKeys(batch, batch.Sequences[firstRow], tile + KeyTile, visible, state.NextOffsets);
                if (rows == 1)
                {
                    PrefetchNextTile(state);
                }
            }

            AttendTile<TLanes>(batch, firstRow, rows, tile, state);
            new Span<nint>(state.NextOffsets, KeyTile).CopyTo(new Span<nint>(state.Offsets, KeyTile));
        }

        StoreOutputs<TLanes>(batch, firstRow, rows, kvHead, state);
    }

    private static float* Align(float* memory) => (float*)(((nint)memory + 63) & ~63);

    /// <summary>Copies the rows' queries side by side, scaled by 1 / sqrt(headDim), and resets the running softmax.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LoadQueries(in AttentionBatch batch, int firstRow, int rows, int kvHead, in AttentionState state)
    {
        var scale = (float)(1 / Math.Sqrt(state.HeadDim));
        var size = batch.GroupSize * state.HeadDim;
        for (var row = 0; row < rows; row++)
        {
            var source = batch.Queries + ((((nint)firstRow + row) * batch.Cache.KvHeads) + kvHead) * size;
            var target = state.Queries + (row * size);
            for (var i = 0; i < size; i++)
            {
                target[i] = source[i] * scale;
            }
        }

        new Span<float>(state.Outputs, rows * size).Clear();
        new Span<float>(state.Maxima, state.Count).Fill(float.NegativeInfinity);
        new Span<float>(state.Denominators, state.Count).Clear();
    }

    /// <summary>Cache offsets of the tile's keys. Places that no row sees repeat a neighbour: loaded, but never used.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void LocateKeys(in AttentionBatch batch, int sequence, int tile, (int First, int Last) visible, nint* offsets)
    {
        var first = Math.Max(visible.First - tile, 0);
        var last = Math.Min(visible.Last - tile, KeyTile - 1);
        var table = batch.BlockTables + batch.TableOffsets[sequence];
        var (block, row) = Math.DivRem(tile + first, batch.Cache.BlockSize);
        var entry = block % batch.RingBlocks;
        for (var key = first; key <= last; key++)
        {
            offsets[key] = (((nint)table[entry] * batch.Cache.BlockSize) + row) * batch.Cache.SlotStride;
            if (++row == batch.Cache.BlockSize)
            {
                row = 0;
                entry = entry + 1 == batch.RingBlocks ? 0 : entry + 1;
            }
        }

        new Span<nint>(offsets, first).Fill(offsets[first]);
        new Span<nint>(offsets + last + 1, KeyTile - 1 - last).Fill(offsets[last]);
    }

    /// <summary>
    /// A head's keys lie apart, one piece to a slot, where the hardware does not see them coming: up to 2.7 times the speed for a
    /// single row. A prompt does enough with each tile to hide the wait.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PrefetchNextTile(in AttentionState state)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        for (var key = 0; key < KeyTile; key++)
        {
            var offset = state.NextOffsets[key];
            for (var d = 0; d < state.HeadDim; d += LaneCount.Value)
            {
                Sse.Prefetch1(state.Keys + offset + d);
                Sse.Prefetch1(state.Values + offset + d);
            }
        }
    }

    private static void AttendTile<TLanes>(in AttentionBatch batch, int firstRow, int rows, int tile, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        var position = batch.Positions[firstRow];
        if (batch.FirstVisible(position + rows - 1) <= tile && position >= tile + KeyTile - 1)
        {
            AttendQueries<TLanes>(0, state.Count, 0, KeyTile, state);
            return;
        }

        for (var row = 0; row < rows; row++)
        {
            var from = Math.Max(batch.FirstVisible(position + row) - tile, 0);
            var to = Math.Min(position + row + 1 - tile, KeyTile);
            if (from < to)
            {
                AttendQueries<TLanes>(row * batch.GroupSize, batch.GroupSize, from, to, state);
            }
        }
    }

    /// <summary>Lets queries that all see the keys from .. to of the tile go through one step of the streaming softmax.</summary>
    private static void AttendQueries<TLanes>(int firstQuery, int count, int from, int to, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        var end = firstQuery + count;
        AttentionScores.Compute<TLanes>(firstQuery, end, from, to, state);
        for (var query = firstQuery; query < end; query++)
        {
            UpdateSoftmax<TLanes>(query, from, to, state);
        }

        AttentionValues.Accumulate<TLanes>(firstQuery, end, from, to, state);
    }

    /// <summary>Turns a query's scores into weights relative to its running maximum; rescales what it has when that rises.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UpdateSoftmax<TLanes>(int query, int from, int to, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        var scores = state.Scores + (query * KeyTile);
        new Span<float>(scores, from).Fill(float.NegativeInfinity);
        new Span<float>(scores + to, KeyTile - to).Fill(float.NegativeInfinity);
        var left = TLanes.Load(scores);
        var right = TLanes.Load(scores + LaneCount.Value);
        var tileMaximum = TLanes.Maximum(TLanes.Max(left, right));
        if (tileMaximum > state.Maxima[query])
        {
            Rescale<TLanes>(query, LaneExp.Exp<TLanes>(state.Maxima[query] - tileMaximum), state);
            state.Maxima[query] = tileMaximum;
        }

        var maximum = TLanes.Broadcast(state.Maxima[query]);
        left = LaneExp.Exp(TLanes.Subtract(left, maximum));
        right = LaneExp.Exp(TLanes.Subtract(right, maximum));
        TLanes.Store(left, scores);
        TLanes.Store(right, scores + LaneCount.Value);
        state.Denominators[query] += TLanes.Sum(TLanes.Add(left, right));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Rescale<TLanes>(int query, float factor, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        state.Denominators[query] *= factor;
        var outputs = state.Outputs + (query * state.HeadDim);
        for (var d = 0; d < state.HeadDim; d += LaneCount.Value)
        {
            TLanes.Store(TLanes.Multiply(TLanes.Load(outputs + d), TLanes.Broadcast(factor)), outputs + d);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreOutputs<TLanes>(in AttentionBatch batch, int firstRow, int rows, int kvHead, in AttentionState state)
        where TLanes : struct, ILanes<TLanes>
    {
        for (var query = 0; query < state.Count; query++)
        {
            var (row, head) = Math.DivRem(query, batch.GroupSize);
            var target = batch.Output + (((((nint)firstRow + row) * batch.Heads) + (kvHead * batch.GroupSize) + head) * state.HeadDim);
            var denominator = TLanes.Broadcast(state.Denominators[query]);
            for (var d = 0; d < state.HeadDim; d += LaneCount.Value)
            {
                TLanes.Store(TLanes.Divide(TLanes.Load(state.Outputs + (query * state.HeadDim) + d), denominator), target + d);
            }
        }
    }
}
