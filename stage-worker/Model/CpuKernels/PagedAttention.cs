using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Softmax attention over the paged cache: out = softmax(q K^T / sqrt(headDim)) V for each row of an <see cref="AttentionBatch"/>.
/// Rows of a prompt share the keys they load; a row alone gets the same bits.
/// </summary>
/// <remarks>
/// Decoding is bound by reading the visible keys and values once for each key/value head, 8 * headDim bytes a position; a prompt
/// by 4 * heads * headDim FLOPs for each visible (query, key). The unit of work is (row tile, key/value head).
/// One Zen 4 thread: prompts of 512 at 36 to 44 GFLOP/s (heads of 64 and 128), one row at 14 to 33 GB/s depending on how far apart a head's keys lie.
/// </remarks>
public static unsafe class PagedAttention
{
    /// <summary>Query vectors that share one pass over the keys: their state (32 KiB at headDim 128) stays in the L2 cache.</summary>
    private const int QueriesPerTile = 32;

    public static void Attend(in AttentionBatch batch, KernelThreads threads)
    {
        RequireShape(batch);
        var job = new Job { Batch = batch, Tiles = (RowTile*)threads.Scratch.AttentionTiles.Reserve(2L * batch.Rows) };
        job.TileCount = CutIntoTiles(batch, job.Tiles);
        delegate*<void*, int, int, void> body = threads.Width switch
        {
            VectorWidth.Bits512 => &AttendTiles<Lanes512>,
            VectorWidth.Bits256 => &AttendTiles<Lanes256>,
            _ => &AttendTiles<LanesScalar>,
        };
        threads.Run(job.TileCount * batch.Cache.KvHeads, KernelThreads.GrainFor(TimePerItem(batch, job.TileCount)), body, &job);
    }

    private static void RequireShape(in AttentionBatch batch)
    {
        if (batch.Cache.HeadDim % LaneCount.Value != 0)
        {
            throw new ArgumentException($"the head width must be a multiple of {LaneCount.Value}, got {batch.Cache.HeadDim}", nameof(batch));
        }

        if (batch.Heads % batch.Cache.KvHeads != 0)
        {
            throw new ArgumentException($"{batch.Heads} query heads cannot share {batch.Cache.KvHeads} key/value heads evenly", nameof(batch));
        }
    }

    /// <summary>Joins consecutive rows of a sequence. How the rows are cut changes the speed only.</summary>
    private static int CutIntoTiles(in AttentionBatch batch, RowTile* tiles)
    {
        var most = Math.Max(1, QueriesPerTile / batch.GroupSize);
        var count = 0;
        for (var row = 0; row < batch.Rows; row += tiles[count++].Rows)
        {
            var rows = 1;
            while (rows < most && row + rows < batch.Rows && Follows(batch, row, rows))
            {
                rows++;
            }

            tiles[count] = new RowTile(row, rows);
        }

        return count;
    }

    private static bool Follows(in AttentionBatch batch, int first, int distance) =>
        batch.Sequences[first + distance] == batch.Sequences[first] && batch.Positions[first + distance] == batch.Positions[first] + distance;

    private static long TimePerItem(in AttentionBatch batch, int tileCount)
    {
        var visible = 0L;
        for (var row = 0; row < batch.Rows; row++)
        {
            visible += batch.Positions[row] - batch.FirstVisible(batch.Positions[row]) + 1;
        }

        return visible * batch.GroupSize * batch.Cache.HeadDim / LaneCount.Value / Math.Max(tileCount, 1);
    }

    private static void AttendTiles<TLanes>(void* context, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        var job = (Job*)context;
        for (var item = start; item < end; item++)
        {
            var (tile, kvHead) = Math.DivRem(item, job->Batch.Cache.KvHeads);

            // The last rows of a prompt see the most keys: they go first, so that no thread is left alone with them.
            var rows = job->Tiles[job->TileCount - 1 - tile];
            AttentionKernel.Attend<TLanes>(job->Batch, rows.First, rows.Rows, kvHead);
        }
    }

    /// <summary>Consecutive rows of one sequence.</summary>
    private readonly record struct RowTile(int First, int Rows);

    /// <summary>Arguments of one call.</summary>
    private struct Job
    {
        public AttentionBatch Batch;
        public RowTile* Tiles;
        public int TileCount;
    }
}
