using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Models;

namespace Pipeline.Model.CudaKernels;

/// <summary>The kernel that attends for chunks of a prompt. Hopper has one of its own; results are equal up to rounding.</summary>
internal sealed class PrefillKernel
{
    private const int KeyTile = 64;         // keys of one turn (prefill_attention.cu)
    private const int Threads = 128;
    private const int HopperKeyTile = 128;  // (prefill_attention_hopper.cu)
    private const int HopperStages = 4;
    private const int HopperThreads = 384;
    private const int SwizzleBytes = 1024;

    private readonly CudaFunction _function;
    private readonly bool _forHopper;
    private readonly int _multiprocessors;
    private readonly int _heads;
    private readonly int _sharedBytes;

    private PrefillKernel(KernelLibrary library, ModelConfig config, bool forHopper)
    {
        (_forHopper, _multiprocessors, _heads) = (forHopper, library.Multiprocessors, config.HeadCount);
        _function = forHopper ? library.Function("prefill_attention_hopper", "attend_prefill_hopper") : library.Function("prefill_attention", "attend_prefill");
        _sharedBytes = forHopper ? HopperSharedBytes(config.HeadDim) : SharedBytes(config.HeadDim);
        _function.AllowSharedBytes(_sharedBytes);
    }

    public static PrefillKernel For(KernelLibrary library, ModelConfig config) => library.IsForHopper ? ForHopper(library, config) : ForAny(library, config);

    /// <summary>Only where the library has Hopper's kernels.</summary>
    public static PrefillKernel ForHopper(KernelLibrary library, ModelConfig config) => new(library, config, forHopper: true);

    public static PrefillKernel ForAny(KernelLibrary library, ModelConfig config) => new(library, config, forHopper: false);

    /// <summary>Queries, and two stages of keys and values.</summary>
    public static int SharedBytes(int headDim) => (StepShape.TileRows + (4 * KeyTile)) * headDim * 2;

    /// <summary>Queries, stages of keys or values, two barriers a stage and one for the queries, and what it may take to begin at a multiple.</summary>
    public static int HopperSharedBytes(int headDim) =>
        SwizzleBytes + ((StepShape.TileRows + (HopperStages * HopperKeyTile)) * headDim * 2) + (((2 * HopperStages) + 1) * sizeof(ulong));

    /// <summary>Hopper's blocks go from tile to tile until all heads of all tiles are done; a block of the other has one head of one tile.</summary>
    public void Launch(CudaStream stream, int tiles, ReadOnlySpan<KernelArgument> arguments)
    {
        if (_forHopper)
        {
            _function.Launch(stream, (Math.Min(tiles * _heads, _multiprocessors), 1, 1), HopperThreads, _sharedBytes, [.. arguments, tiles]);
        }
        else
        {
            _function.Launch(stream, (tiles, _heads, 1), Threads, _sharedBytes, arguments);
        }
    }
}
