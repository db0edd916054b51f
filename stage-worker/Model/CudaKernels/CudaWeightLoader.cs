using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Model.Randomness;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>Brings weights to the device: random ones are made there, others are copied.</summary>
internal sealed class CudaWeightLoader(KernelLibrary library, CudaStream stream, torch.Device device)
{
    private const int Threads = 256;

    /// <summary>The rows of several tensors, one below the other.</summary>
    public torch.Tensor Load(IWeightSource source, IReadOnlyList<TensorSlot> slots)
    {
        var shapes = slots.Select(source.ShapeOf).ToList();
        var whole = torch.empty([shapes.Sum(shape => shape.Rows), shapes[0].Columns], torch.ScalarType.BFloat16, device).DetachFromDisposeScope();
        Fill(whole, source, slots);
        return whole;
    }

    public CudaExpertWeights LoadExperts(IWeightSource source, int layer, MoeConfig moe)
    {
        using var scope = new LoadScope();
        var router = scope.Keep(new TorchLinearWeight(Load(source, [ExpertSlots.Router(layer)])));
        var gateUp = scope.Keep(Stack(source, moe.ExpertCount, expert => ExpertSlots.GateUp(layer, expert)));
        var down = scope.Keep(Stack(source, moe.ExpertCount, expert => [ExpertSlots.Down(layer, expert)]));
        return scope.Complete(new CudaExpertWeights(router, gateUp, down, moe.ExpertsPerToken));
    }

    private torch.Tensor Stack(IWeightSource source, int count, Func<int, TensorSlot[]> slotsOf)
    {
        var shapes = slotsOf(0).Select(source.ShapeOf).ToList();
        var stack = torch.empty([count, shapes.Sum(shape => shape.Rows), shapes[0].Columns], torch.ScalarType.BFloat16, device).DetachFromDisposeScope();
        for (var expert = 0; expert < count; expert++)
        {
            using var one = stack.select(0, expert);
            Fill(one, source, slotsOf(expert));
        }

        return stack;
    }

    private void Fill(torch.Tensor whole, IWeightSource source, IReadOnlyList<TensorSlot> slots)
    {
        var first = 0L;
        foreach (var slot in slots)
        {
            var rows = source.ShapeOf(slot).Rows;
            using var part = whole.narrow(0, first, rows);
            if (source is DummyWeights dummy && dummy.TypeOf(slot) == ElementType.BFloat16)
            {
                Generate(part, dummy.Describe(slot));
            }
            else
            {
                TensorLoader.CopyInto(part, source, slot, ElementType.BFloat16);
            }

            first += rows;
        }
    }

    private void Generate(torch.Tensor target, DummyTensor tensor)
    {
        var count = target.NumberOfElements;
        library.Function("dummy", "dummy_weights").Launch(
            stream, ((int)((count + Threads - 1) / Threads), 1, 1), Threads, 0, TensorAddress.Of(target), (ulong)count, tensor.Key, tensor.Mean, tensor.Scale);
    }
}
