namespace Pipeline.Model.CudaKernels;

/// <summary>How wide_linear.cu cuts a projection: tiles of <paramref name="Height"/> rows of the weight, a block for each or two.</summary>
/// <param name="Width">Batch columns of the kernel.</param>
/// <param name="Splits">Blocks that share the columns of a tile. Depends on the weight and the device alone, for it decides the bits.</param>
/// <param name="Stages">Slabs that a block's shared memory holds.</param>
internal readonly record struct WidePlan(int Width, int Height, int Tiles, int Splits, int Stages)
{
    public const int LeastRows = CudaLinear.MostSkinnyRows + 1;
    public const int MostRows = 64;
    public const int LeastWidth = 16;

    /// <summary>What a block may have on Hopper, less what the kernel always has.</summary>
    public const int MostSharedBytes = 226 * 1024;

    private const int MostHeight = 256;
    private const int LeastHeight = 48; // below, a tile reads too much of the input for what it has of the weight
    private const int MostStages = 24;
    private const int GroupRows = 64;
    private const int GroupThreads = 128;
    private const int CopyingThreads = 32;
    private const int RowBytes = 128; // of a slab
    private const int Alignment = 1024;
    private const int SumsPitch = (MostHeight + 4) * sizeof(float);

    public int Blocks => Tiles * Splits;

    public int Threads => (Groups * GroupThreads) + CopyingThreads;

    public int SharedBytes => Alignment + Math.Max((Stages * StageBytes) + BytesBehind, Width * SumsPitch);

    private int Groups => Up(Height, GroupRows) / GroupRows;

    private int StageBytes => (Height + Width) * RowBytes;

    /// <summary>Where the other split's sums arrive, and room because products read whole groups of rows.</summary>
    private int BytesBehind => RowBytes * Math.Max((Splits - 1) * Width * Groups, (Groups * GroupRows) - Height - Width);

    /// <summary>With as many rows the kernel is faster than cuBLAS for every shape that was measured; fewer go straight to registers.</summary>
    public static bool Takes(int batch, bool isHopper) => isHopper && batch is >= LeastRows and <= MostRows;

    /// <summary>One tile for every multiprocessor, or for two; more rounds when the tiles would be too high.</summary>
    public static WidePlan For(int batch, int outputs, bool gated, int multiprocessors)
    {
        var rowsOfOutput = gated ? 2 : 1;
        int HeightFor(int tiles) => Up((outputs + tiles - 1) / tiles, 8) * rowsOfOutput;

        var splits = HeightFor(multiprocessors) < LeastHeight ? 2 : 1;
        var tiles = multiprocessors / splits;
        while (HeightFor(tiles) > MostHeight)
        {
            tiles += multiprocessors;
        }

        var height = HeightFor(tiles);
        var width = batch <= LeastWidth ? LeastWidth : batch <= 2 * LeastWidth ? 2 * LeastWidth : MostRows;
        var plan = new WidePlan(width, height, ((outputs * rowsOfOutput) + height - 1) / height, splits, 0);
        return plan with { Stages = Math.Min(MostStages, (MostSharedBytes - Alignment - plan.BytesBehind) / plan.StageBytes) };
    }

    private static int Up(int value, int unit) => (value + unit - 1) / unit * unit;
}
