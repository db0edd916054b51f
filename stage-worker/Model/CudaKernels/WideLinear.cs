using System.Runtime.InteropServices;
using Pipeline.Model.CudaRuntime;

namespace Pipeline.Model.CudaKernels;

/// <summary>Projections of 9 to 64 rows on Hopper: the weights go through shared memory, fetched by the copy engine.</summary>
internal sealed class WideLinear
{
    private const string Family = "wide_linear";
    private const int Slab = 64; // columns

    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;

    public WideLinear(KernelLibrary library, CudaStream stream)
    {
        _library = library;
        _stream = stream;
        for (var width = WidePlan.LeastWidth; library.IsForHopper && width <= WidePlan.MostRows; width *= 2)
        {
            Function(gated: false, width).AllowSharedBytes(WidePlan.MostSharedBytes);
            Function(gated: true, width).AllowSharedBytes(WidePlan.MostSharedBytes);
        }
    }

    public bool Takes(int batch) => WidePlan.Takes(batch, _library.IsForHopper);

    /// <summary>
    /// output <c>[batch, outputs]</c>, columns a multiple of 32; gated: silu(gate) * up, the two lying one above the other in the
    /// weight, outputs a multiple of 8.
    /// </summary>
    public void Multiply(nint input, nint weight, nint output, int batch, int outputs, int columns, bool gated)
    {
        var plan = WidePlan.For(batch, outputs, gated, _library.Multiprocessors);
        var maps = new Maps
        {
            Weight = gated ? TensorMap.OfHalves(weight, 2 * outputs, columns, plan.Height) : TensorMap.Of(weight, outputs, columns, plan.Height),
            Input = TensorMap.Of(input, batch, columns, plan.Width),
        };
        Function(gated, plan.Width).LaunchClusters(
            _stream, (plan.Blocks, 1, 1), plan.Splits, plan.Threads, plan.SharedBytes, maps,
            output, outputs, (columns + Slab - 1) / Slab, batch, plan.Height, plan.Splits, plan.Stages);
    }

    private CudaFunction Function(bool gated, int width) => _library.Function(Family, $"{(gated ? "wide_gated" : "wide_linear")}_{width}");

    [StructLayout(LayoutKind.Sequential)]
    private struct Maps
    {
        public TensorMap Weight;
        public TensorMap Input;
    }
}
