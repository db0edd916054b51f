using Pipeline.Model.Caching;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>Rotation, the way into the cache, and attention: one kernel for single queries, one for chunks of a prompt.</summary>
internal sealed class CudaAttention : IDisposable
{
    private const int Chunk = 128;       // keys of one part (decode_attention.cu)
    private const int Threads = 128;
    private const int RotaryThreads = 256;
    private const int LeastPositions = 8192;
    private const long MostPartBytes = 512L << 20;

    private readonly KernelLibrary _library;
    private readonly CudaStream _stream;
    private readonly Workspace _workspace;
    private readonly StepBuffers _steps;
    private readonly ModelConfig _config;
    private readonly RotaryTable _rotary;
    private readonly DeviceMemory _parts;
    private readonly DeviceMemory _arrived;
    private readonly int _multiprocessors;
    private readonly int _mostChunks;
    private readonly int _rowsAtOnce;
    private readonly PrefillKernel _prefill;
    private DeviceMemory? _angles;
    private int _positions;

    /// <param name="prefill">The kernel for chunks of a prompt, if not the one for this device.</param>
    public CudaAttention(
        KernelLibrary library, CudaStream stream, Workspace workspace, StepBuffers steps, ModelConfig config, KvCacheSpec spec, PrefillKernel? prefill = null)
    {
        (_library, _stream, _workspace, _steps, _config) = (library, stream, workspace, steps, config);
        _multiprocessors = library.Multiprocessors;
        _rotary = new RotaryTable(config.HeadDim, config.RopeTheta);
        _mostChunks = spec.Groups.Max(group => VisibleChunks(group.RingBlocks, spec.BlockSize, group.Window));
        var rowBytes = PartBytes(_mostChunks, config);
        _rowsAtOnce = (int)Math.Clamp(MostPartBytes / rowBytes, 1, BatchBuckets.Largest);
        _parts = new DeviceMemory(_rowsAtOnce * rowBytes, stream);
        _arrived = new DeviceMemory((long)_rowsAtOnce * config.KvHeadCount * sizeof(int), stream);
        _prefill = prefill ?? PrefillKernel.For(library, config);
        if (library.IsForHopper)
        {
            // It comes right after a kernel that takes all shared memory.
            library.Function("decode_attention", "attend_decode_3_blocks").KeepCache(blocks: 3);
            library.Function("decode_attention", "attend_decode_4_blocks").KeepCache(blocks: 4);
        }
    }

    /// <summary>Changes when the table of angles moves.</summary>
    public int Generation { get; private set; }

    /// <summary>Parts that so many held keys can be cut into at multiples of the part's size.</summary>
    public static int MostChunks(int keys) => (keys + Chunk - 1) / Chunk + 1;

    /// <summary>
    /// Blocks that share the parts of a row: two for every multiprocessor, or a block a row if there are more rows. Long runs of
    /// parts stream best; who computes a part does not change it.
    /// </summary>
    public static int BlocksPerRow(int chunks, int otherBlocks, int wantedBlocks) => Math.Clamp((wantedBlocks + otherBlocks - 1) / otherBlocks, 1, chunks);

    /// <summary>The variant whose blocks run all at once, if there is one.</summary>
    public static string KernelFor(int blocks, int multiprocessors) => blocks <= 3 * multiprocessors ? "attend_decode_3_blocks" : "attend_decode_4_blocks";

    /// <summary>Makes sure that the table of angles reaches the step's positions.</summary>
    public void Prepare(StepLayout layout)
    {
        var needed = layout.Positions.Max() + 1;
        if (needed <= _positions)
        {
            return;
        }

        _positions = Math.Max(LeastPositions, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)needed));
        var (cosine, sine) = _rotary.Rows([.. Enumerable.Range(0, _positions)]);
        using var host = new PinnedMemory(cosine.Length * 2 * sizeof(float), giveBack: null);
        var pairs = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, (float, float)>(host.GetSpan());
        for (var i = 0; i < cosine.Length; i++)
        {
            pairs[i] = (cosine[i], sine[i]);
        }

        _stream.Synchronize();
        _angles?.Dispose();
        _angles = new DeviceMemory(host.Length, _stream);
        _stream.CopyToDevice(_angles.Pointer, host.Pointer, host.Length);
        _stream.Synchronize();
        Generation++;
    }

    public torch.Tensor Attend(torch.Tensor qkv, LayerKvCache cache, StepShape shape, GroupLayout group)
    {
        var (heads, kvHeads, sections) = (_config.HeadCount, _config.KvHeadCount, _steps.Sections);
        var (input, keys, values) = (TensorAddress.Of(qkv), TensorAddress.Of(cache.Keys), TensorAddress.Of(cache.Values));
        if (shape.Tiles.Count > 0)
        {
            const int headsPerBlock = RotaryThreads / 32;
            _library.Function("rotary", "rotate_and_cache").Launch(
                _stream, (shape.Rows, (heads + (2 * kvHeads) + headsPerBlock - 1) / headsPerBlock, 1), RotaryThreads, 0,
                input, keys, values, _angles!.Pointer, _steps.At(sections.Positions), _steps.At(sections.Slots[cache.Group]), heads, kvHeads);
        }

        var output = _workspace.Rows("attended", shape.Rows, heads * _config.HeadDim);
        var (tables, offsets) = (_steps.At(sections.Tables[cache.Group]), _steps.At(sections.TableOffsets[cache.Group]));
        var scale = (float)(Math.Log2(Math.E) / Math.Sqrt(_config.HeadDim)); // softmax in powers of two
        for (var first = 0; first < shape.DecodeRows; first += _rowsAtOnce)
        {
            var rows = Math.Min(_rowsAtOnce, shape.DecodeRows - first);
            var blocks = BlocksPerRow(VisibleChunks(group.RingBlocks, group.BlockSize, group.Window), kvHeads * rows, 2 * _multiprocessors);
            _library.Function("decode_attention", KernelFor(blocks * kvHeads * rows, _multiprocessors)).Launch(
                _stream, (blocks, kvHeads, rows), Threads, 0,
                input, keys, values, TensorAddress.Of(output), _parts.Pointer, _arrived.Pointer,
                _steps.At(sections.DecodeRows + first), _steps.At(sections.Positions), _steps.At(sections.Segments), tables, offsets, _angles!.Pointer,
                heads, kvHeads, group.Window ?? 0, group.BlockSize, group.RingBlocks, _mostChunks, scale);
        }

        if (shape.Tiles.Count > 0)
        {
            _prefill.Launch(
                _stream, shape.Tiles.Count,
                [
                    input, keys, values, TensorAddress.Of(output), _steps.At(sections.Tiles), tables, offsets,
                    heads, kvHeads, group.Window ?? 0, group.BlockSize, group.RingBlocks, scale,
                ]);
        }

        return output;
    }

    public void Dispose()
    {
        _parts.Dispose();
        _arrived.Dispose();
        _angles?.Dispose();
    }

    private static int VisibleChunks(int ringBlocks, int blockSize, int? window) => MostChunks(Math.Min(ringBlocks * blockSize, window ?? int.MaxValue));

    private static long PartBytes(int chunks, ModelConfig config) => (long)chunks * config.HeadCount * (config.HeadDim + 2) * sizeof(float);
}
