using Pipeline.Model.CudaRuntime;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// The experts' products on Hopper, for more rows than go straight to registers (experts_hopper.cu). Blocks go from tile to tile;
/// how many there are for each expert only the device knows.
/// </summary>
internal sealed class HopperExperts
{
    private const string Family = "experts_hopper";
    private const int Threads = 384;
    private const int WeightTile = 128;
    private const int BoxRows = 32;
    private const int Cluster = 2; // blocks
    private const int SwizzleBytes = 1024;

    /// <summary>Rows of a tile at most, and stages.</summary>
    internal static readonly (int MostRows, int Stages) Few = (64, 8), Many = (256, 4);

    private readonly CudaStream _stream;
    private readonly Products _few;
    private readonly Products _many;
    private readonly int _blocks;

    public HopperExperts(KernelLibrary library, CudaStream stream)
    {
        _stream = stream;
        _few = new Products(library, "few", Few);
        _many = new Products(library, "many", Many);
        _blocks = library.Multiprocessors / Cluster * Cluster;
    }

    /// <summary>Stages of weights and rows, two barriers a stage, and what it may take to begin at a multiple.</summary>
    public static int SharedBytesFor((int MostRows, int Stages) tile) =>
        SwizzleBytes + (tile.Stages * (((WeightTile + tile.MostRows) * TensorMap.BoxColumns * 2) + (2 * sizeof(ulong))));

    /// <summary>Down of silu(gate) * up, for visits sorted by expert.</summary>
    /// <param name="mostRows">How many visits any expert can have.</param>
    /// <param name="offsets">On the device: where each expert's visits begin, and their number.</param>
    public void Multiply(torch.Tensor visits, int mostRows, CudaExpertWeights weights, torch.Tensor inner, torch.Tensor results, nint offsets)
    {
        var products = mostRows <= Few.MostRows ? _few : _many;
        Launch(products, visits, weights.GateUp, inner, offsets, gated: true);
        Launch(products, inner, weights.Down, results, offsets, gated: false);
    }

    private void Launch(Products products, torch.Tensor rows, torch.Tensor weights, torch.Tensor output, nint offsets, bool gated)
    {
        var (count, columns) = ((ulong)rows.shape[0], (int)rows.shape[1]);
        var (sizes, strides) = TensorMap.GroupsOf((int)weights.shape[0], (int)weights.shape[1], columns, halves: gated);
        var maps = new Maps
        {
            Weights = TensorMap.Of(TensorAddress.Of(weights), sizes, strides, [TensorMap.Interleaved, 2, WeightTile / (2 * TensorMap.Interleaved), 1]),
            Rows = TensorMap.Of(TensorAddress.Of(rows), [(ulong)columns, count], [(ulong)columns * sizeof(ushort)], [BoxRows]),
        };
        (gated ? products.Gated : products.Plain).LaunchClusters(_stream, (_blocks, 1, 1), 1, Threads, products.SharedBytes, maps, offsets, TensorAddress.Of(output), (int)output.shape[1], columns);
    }

    private struct Maps
    {
        public TensorMap Weights;
        public TensorMap Rows;
    }

    /// <summary>The kernels for tiles of up to as many rows.</summary>
    private sealed class Products
    {
        public Products(KernelLibrary library, string name, (int MostRows, int Stages) tile)
        {
            SharedBytes = SharedBytesFor(tile);
            Gated = library.Function(Family, $"multiply_gated_experts_{name}");
            Plain = library.Function(Family, $"multiply_experts_{name}");
            Gated.AllowSharedBytes(SharedBytes);
            Plain.AllowSharedBytes(SharedBytes);
        }

        public CudaFunction Gated { get; }

        public CudaFunction Plain { get; }

        public int SharedBytes { get; }
    }
}
