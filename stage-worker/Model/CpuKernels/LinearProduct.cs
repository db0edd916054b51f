using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Several products with weights of one shape in one fork and join: the experts of a sparse layer, or the single product
/// of a <see cref="PackedLinear"/>.
/// </summary>
/// <remarks>
/// Work is cut by panels of 32 outputs, so every weight is read once from memory for up to <see cref="RowBlock"/> rows. An output is
/// the sum, in order, of one partial sum for each <see cref="DepthBlock"/> inputs; each partial sum is one chain of fused multiply-adds.
/// Neither depends on rows, threads or the vector width.
/// On two Zen 4 cores (libtorch's sgemm beside it): 64 x 2304 x 768 at 112 (89) GFLOP/s on one thread and 198 (134) on two, 512 x 2048 x 768
/// at 110 (92) on one; one row of 440 MB of weights at 31 (14) GB/s on one thread and 41 on two, 8 rows at 23 (7) on one.
/// </remarks>
internal static unsafe class LinearProduct
{
    /// <summary>Inputs to one partial sum. Part of the arithmetic: a tile (24 KiB) stays in the L1 cache, a panel block (64 KiB) in L2.</summary>
    public const int DepthBlock = 512;

    /// <summary>Rows packed at a time, so that they stay in the shared cache while all panels pass over them.</summary>
    public const int RowBlock = 240;

    public static void Run(LinearGroup* groups, int groupCount, int outputs, int inputs, KernelThreads threads)
    {
        var mostRows = 0;
        for (var g = 0; g < groupCount; g++)
        {
            mostRows = Math.Max(mostRows, groups[g].Rows);
        }

        var job = new Job { Groups = groups, GroupCount = groupCount, Outputs = outputs, Inputs = inputs };
        for (; job.FirstRow < mostRows; job.FirstRow += RowBlock)
        {
            switch (threads.Width)
            {
                case VectorWidth.Bits512: RunBlock<Lanes512>(&job, threads); break;
                case VectorWidth.Bits256: RunBlock<Lanes256>(&job, threads); break;
                default: RunBlock<LanesScalar>(&job, threads); break;
            }
        }
    }

    private static void RunBlock<TLanes>(Job* job, KernelThreads threads)
        where TLanes : struct, ILanes<TLanes>
    {
        var rows = AssignPackedRows<TLanes>(job, threads.Scratch.PackedRows);
        if (rows > 0)
        {
            var tileTime = (long)TLanes.TileRows * job->Inputs / 2;
            threads.Run(job->GroupCount * TilesOf<TLanes>(RowBlock), KernelThreads.GrainFor(tileTime), &PackTiles<TLanes>, job);
        }

        var panelTime = job->Inputs * (6L + (rows / job->GroupCount));
        threads.Run(job->GroupCount * job->Panels, KernelThreads.GrainFor(panelTime), &MultiplyPanels<TLanes>, job);
    }

    /// <summary>Gives each group its place in the scratch; returns the rows to be packed. A single row is its own tile.</summary>
    private static int AssignPackedRows<TLanes>(Job* job, NativeBuffer scratch)
        where TLanes : struct, ILanes<TLanes>
    {
        var rowsToPack = 0;
        var size = 0L;
        for (var g = 0; g < job->GroupCount; g++)
        {
            var rows = job->RowsOf(g);
            rowsToPack += rows > 1 ? rows : 0;
            size += RowPacking.PackedSize(rows, job->Inputs, TLanes.TileRows);
        }

        var next = rowsToPack > 0 ? scratch.Reserve(size) : null;
        for (var g = 0; g < job->GroupCount; g++)
        {
            var rows = job->RowsOf(g);
            job->Groups[g].PackedRows = rows > 1 ? next : job->InputOf(g);
            next += rows > 1 ? RowPacking.PackedSize(rows, job->Inputs, TLanes.TileRows) : 0;
        }

        return rowsToPack;
    }

    private static int TilesOf<TLanes>(int rows)
        where TLanes : struct, ILanes<TLanes> => (rows + TLanes.TileRows - 1) / TLanes.TileRows;

    private static void PackTiles<TLanes>(void* context, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        var job = (Job*)context;
        for (var item = start; item < end; item++)
        {
            var (group, tile) = Math.DivRem(item, TilesOf<TLanes>(RowBlock));
            var first = tile * TLanes.TileRows;
            var rows = job->RowsOf(group);
            if (rows > 1 && first < rows)
            {
                var offset = (nint)first * job->Inputs;
                var count = Math.Min(TLanes.TileRows, rows - first);
                RowPacking.PackTile(job->InputOf(group) + offset, count, job->Inputs, job->Groups[group].PackedRows + offset);
            }
        }
    }

    private static void MultiplyPanels<TLanes>(void* context, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        var job = (Job*)context;
        for (var item = start; item < end; item++)
        {
            var (group, panel) = Math.DivRem(item, job->Panels);
            MultiplyPanel<TLanes>(job, group, panel);
        }
    }

    private static void MultiplyPanel<TLanes>(Job* job, int group, int panel)
        where TLanes : struct, ILanes<TLanes>
    {
        var inputs = job->Inputs;
        var rows = job->RowsOf(group);
        var weights = job->Groups[group].Weights + ((nint)panel * inputs * TileKernel.Columns);
        var output = job->OutputOf(group) + (panel * TileKernel.Columns);
        var columns = Math.Min(TileKernel.Columns, job->Outputs - (panel * TileKernel.Columns));
        for (var depth = 0; depth < inputs; depth += DepthBlock)
        {
            var block = new PanelBlock(weights + ((nint)depth * TileKernel.Columns), Math.Min(DepthBlock, inputs - depth), columns, job->Outputs, depth > 0);
            for (var row = 0; row < rows; row += TLanes.TileRows)
            {
                var count = Math.Min(TLanes.TileRows, rows - row);
                var tile = job->Groups[group].PackedRows + ((nint)row * inputs) + ((nint)depth * TileKernel.TileRowsFor(count));
                MultiplyTile<TLanes>(tile, count, block, output + ((nint)row * job->Outputs));
            }
        }
    }

    private static void MultiplyTile<TLanes>(float* tile, int rows, in PanelBlock block, float* output)
        where TLanes : struct, ILanes<TLanes>
    {
        var tileRows = TileKernel.TileRowsFor(rows);
        if (rows == tileRows && block.Columns == TileKernel.Columns)
        {
            TileKernel.Multiply<TLanes>(tileRows, tile, block.Weights, block.Depth, output, block.Stride, block.Add);
        }
        else
        {
            MultiplyEdge<TLanes>(tile, rows, block, output);
        }
    }

    /// <summary>A tile that hangs over the last row or column: computed whole beside the output, its valid part copied or added.</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyEdge<TLanes>(float* tile, int rows, in PanelBlock block, float* output)
        where TLanes : struct, ILanes<TLanes>
    {
        var sums = stackalloc float[12 * TileKernel.Columns];
        TileKernel.Multiply<TLanes>(TileKernel.TileRowsFor(rows), tile, block.Weights, block.Depth, sums, TileKernel.Columns, add: false);
        for (var row = 0; row < rows; row++, sums += TileKernel.Columns, output += block.Stride)
        {
            for (var column = 0; column < block.Columns; column++)
            {
                output[column] = block.Add ? output[column] + sums[column] : sums[column];
            }
        }
    }

    /// <summary>Part of a panel: the weights of one partial sum.</summary>
    private readonly struct PanelBlock(float* weights, int depth, int columns, int stride, bool add)
    {
        public float* Weights { get; } = weights;

        public int Depth { get; } = depth;

        public int Columns { get; } = columns;

        public int Stride { get; } = stride;

        public bool Add { get; } = add;
    }

    /// <summary>What the threads need to know of a product.</summary>
    private struct Job
    {
        public LinearGroup* Groups;
        public int GroupCount;
        public int Outputs;
        public int Inputs;
        public int FirstRow;

        public readonly int Panels => (Outputs + TileKernel.Columns - 1) / TileKernel.Columns;

        public readonly int RowsOf(int group) => Math.Clamp(Groups[group].Rows - FirstRow, 0, RowBlock);

        public readonly float* InputOf(int group) => Groups[group].Input + ((nint)FirstRow * Inputs);

        public readonly float* OutputOf(int group) => Groups[group].Output + ((nint)FirstRow * Outputs);
    }
}
