using Pipeline.Model.Caching;
using Pipeline.Model.CudaKernels;
using Pipeline.Model.CudaRuntime;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.KernelBench;

/// <summary>Rotation and attention of one layer: decode as GB/s of keys and values, prefill as TFLOP/s of visible pairs.</summary>
internal sealed class AttentionBench(KernelLibrary library, CudaStream stream, ModelConfig config)
{
    private const int BlockSize = 16;

    public void Run()
    {
        foreach (var (batch, context) in new[] { (1, 1024), (16, 1024), (64, 1024), (16, 4096) })
        {
            var microseconds = Measure(batch, context, 1);
            var bytes = 4.0 * batch * Math.Min(context + 1, 4096) * config.KvHeadCount * config.HeadDim;
            Console.WriteLine($"decode {batch} x {context}: {microseconds:F1} us, {bytes / microseconds / 1000:F0} GB/s");
        }

        foreach (var length in new[] { 2048, 8192 })
        {
            var microseconds = Measure(1, 0, length);
            var pairs = Enumerable.Range(1, length).Sum(keys => (double)Math.Min(keys, 4096));
            Console.WriteLine($"prefill {length}: {microseconds:F1} us, {4 * pairs * config.HeadDim * config.HeadCount / microseconds / 1e6:F0} TFLOP/s");
        }
    }

    private double Measure(int batch, int context, int rows)
    {
        var ring = KvCacheSpec.RingBlocksFor(4096, BlockSize, Math.Max(rows, 2048), context + rows);
        var spec = new KvCacheSpec(BlockSize, [new KvCacheGroup(4096, ring, ring * batch)]);
        using var workspace = new Workspace(torch.CUDA);
        using var steps = new StepBuffers(stream, spec);
        using var attention = new CudaAttention(library, stream, workspace, steps, config, spec);
        using var keys = torch.randn([ring * batch, BlockSize, config.KvHeadCount, config.HeadDim], torch.ScalarType.BFloat16, torch.CUDA);
        using var values = torch.randn([ring * batch, BlockSize, config.KvHeadCount, config.HeadDim], torch.ScalarType.BFloat16, torch.CUDA);
        using var qkv = torch.randn([batch * rows, (config.HeadCount + (2 * config.KvHeadCount)) * config.HeadDim], torch.ScalarType.BFloat16, torch.CUDA);
        var layout = Layout(batch, context, rows, ring);
        attention.Prepare(layout);
        var shape = steps.Write(layout, rows == 1 ? batch : null, []);
        steps.Copy();
        return new DeviceTimer(stream).Microseconds(_ => attention.Attend(qkv, new LayerKvCache(keys, values, 0), shape, layout.Groups[0]));
    }

    private static StepLayout Layout(int batch, int context, int rows, int ring)
    {
        var segments = Enumerable.Range(0, batch)
            .Select(s => new StepSegment(new SequenceState(new SequenceId(s), new SequenceStart(1, new()), 1), s * rows, rows, context)).ToList();
        int[] positions = [.. Enumerable.Range(0, batch * rows).Select(row => context + (row % rows))];
        int[] owners = [.. Enumerable.Range(0, batch * rows).Select(row => row / rows)];
        var group = new GroupLayout
        {
            Window = 4096,
            BlockSize = BlockSize,
            RingBlocks = ring,
            Slots = new int[batch * rows],
            Tables = [.. Enumerable.Range(0, ring * batch)],
            TableOffsets = [.. Enumerable.Range(0, batch).Select(s => s * ring)],
        };
        for (var row = 0; row < positions.Length; row++)
        {
            group.Slots[row] = group.SlotOf(owners[row], positions[row]);
        }

        return new StepLayout
        {
            Microbatch = new Microbatch { Epoch = new PlanEpoch(1), Step = 1, Id = new MicrobatchId(0), Slices = [], Released = [] },
            Segments = segments,
            Tokens = new int[batch * rows],
            Positions = positions,
            SegmentOfRow = owners,
            Groups = [group],
        };
    }
}
