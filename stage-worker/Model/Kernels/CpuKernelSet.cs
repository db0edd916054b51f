using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Pipeline.Model.Caching;
using Pipeline.Model.Checkpoints;
using Pipeline.Model.CpuKernels;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>
/// The product's own float32 kernels for the CPU; tensors serve as buffers only. What a row becomes depends on nothing but the
/// row and its sequence: the same bits whatever else is in the microbatch, however a prompt is cut, on however many threads.
/// </summary>
public sealed unsafe class CpuKernelSet(ModelConfig config, int threadCount) : IKernelSet
{
    private readonly KernelThreads _threads = new(threadCount);
    private readonly CpuKernels.RotaryTable _rotary = new(config.HeadDim, config.RopeTheta);

    public string Name => "cpu";

    public torch.Device Device => torch.CPU;

    public ElementType ElementType => ElementType.Float32;

    /// <summary>The attention kernel works on whole vectors of a head.</summary>
    public static bool Supports(ModelConfig config, ElementType elementType, torch.Device device) =>
        elementType == ElementType.Float32 && device.type == DeviceType.CPU && config.HeadDim % 16 == 0;

    public LinearWeight LoadLinear(IWeightSource source, params IReadOnlyList<TensorSlot> slots) => new CpuLinearWeight(PackedLoader.Load(source, slots));

    public ExpertWeights LoadExperts(IWeightSource source, int layer, MoeConfig moe)
    {
        using var scope = new LoadScope();
        var router = scope.Keep(PackedLoader.Load(source, [ExpertSlots.Router(layer)]));
        var gateUp = new PackedLinear[moe.ExpertCount];
        var down = new PackedLinear[moe.ExpertCount];
        for (var expert = 0; expert < moe.ExpertCount; expert++)
        {
            gateUp[expert] = scope.Keep(PackedLoader.Load(source, ExpertSlots.GateUp(layer, expert)));
            down[expert] = scope.Keep(PackedLoader.Load(source, [ExpertSlots.Down(layer, expert)]));
        }

        var bytes = router.ByteSize + gateUp.Concat(down).Sum(weight => weight.ByteSize);
        return scope.Complete(new CpuExpertWeights(new MoeFeedForward(router, gateUp, down, moe.ExpertsPerToken), bytes));
    }

    public torch.Tensor LoadVector(IWeightSource source, TensorSlot slot) => TensorLoader.LoadVector(source, slot, ElementType, Device);

    public torch.Tensor LoadEmbedding(IWeightSource source, TensorSlot slot) => TensorLoader.Load(source, [slot], ElementType, Device);

    public torch.Tensor Embed(torch.Tensor embedding, int[] tokens) => SelectRows(embedding, tokens);

    public torch.Tensor AddAndNormalize(torch.Tensor residual, torch.Tensor? delta, torch.Tensor weight, double epsilon)
    {
        var (rows, size) = ((int)residual.shape[0], (int)residual.shape[1]);
        var output = torch.empty(rows, size);
        if (delta is null)
        {
            RmsNorm.Normalize(Pointer(residual), Pointer(weight), (float)epsilon, rows, size, Pointer(output), _threads);
        }
        else
        {
            RmsNorm.AddAndNormalize(Pointer(residual), Pointer(delta), Pointer(weight), (float)epsilon, rows, size, Pointer(output), _threads);
        }

        return output;
    }

    public torch.Tensor Linear(torch.Tensor input, LinearWeight weight)
    {
        var rows = (int)input.shape[0];
        var output = torch.empty(rows, weight.Rows);
        ((CpuLinearWeight)weight).Packed.Multiply(Pointer(input), rows, Pointer(output), _threads);
        return output;
    }

    public torch.Tensor Attend(torch.Tensor qkv, LayerKvCache cache, StepLayout layout, ModelConfig config)
    {
        var group = layout.Groups[cache.Group];
        var queries = torch.empty(layout.Rows, config.HeadCount * config.HeadDim);
        var output = torch.empty(layout.Rows, config.HeadCount * config.HeadDim);
        var view = new KvCacheView
        {
            Keys = Pointer(cache.Keys),
            Values = Pointer(cache.Values),
            BlockSize = group.BlockSize,
            KvHeads = config.KvHeadCount,
            HeadDim = config.HeadDim,
        };
        fixed (int* positions = layout.Positions, slots = group.Slots, sequences = layout.SegmentOfRow, tables = group.Tables, offsets = group.TableOffsets)
        {
            RotaryEmbedding.RotateAndCache(Pointer(qkv), layout.Rows, config.HeadCount, positions, slots, _rotary, Pointer(queries), view, _threads);
            var batch = new AttentionBatch
            {
                Queries = Pointer(queries),
                Output = Pointer(output),
                Rows = layout.Rows,
                Heads = config.HeadCount,
                Sequences = sequences,
                Positions = positions,
                BlockTables = tables,
                TableOffsets = offsets,
                RingBlocks = group.RingBlocks,
                Window = group.Window ?? 0,
                Cache = view,
            };
            PagedAttention.Attend(batch, _threads);
        }

        return output;
    }

    public torch.Tensor SwiGlu(torch.Tensor gateUp)
    {
        var (rows, size) = ((int)gateUp.shape[0], (int)gateUp.shape[1] / 2);
        var output = torch.empty(rows, size);
        CpuKernels.SwiGlu.Apply(Pointer(gateUp), rows, size, Pointer(output), _threads);
        return output;
    }

    public torch.Tensor MixExperts(torch.Tensor input, ExpertWeights weights)
    {
        var output = torch.empty(input.shape);
        ((CpuExpertWeights)weights).Experts.Forward(Pointer(input), (int)input.shape[0], Pointer(output), _threads);
        return output;
    }

    public torch.Tensor SelectRows(torch.Tensor input, int[] rows)
    {
        var width = (int)input.shape[1];
        var output = torch.empty(rows.Length, width);
        fixed (int* ids = rows)
        {
            Elementwise.GatherRows(Pointer(input), ids, rows.Length, width, Pointer(output), _threads);
        }

        return output;
    }

    public void Dispose()
    {
        _threads.Dispose();
        _rotary.Dispose();
    }

    /// <summary>Native memory of a contiguous tensor; it does not move.</summary>
    private static float* Pointer(torch.Tensor tensor) => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(tensor.bytes));
}
