using Pipeline.Model.Checkpoints;
using Pipeline.Model.CudaRuntime;
using Pipeline.Model.Kernels;
using Pipeline.Model.Randomness;
using Pipeline.Model.ReadAhead;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.CudaKernels;

/// <summary>
/// Brings weights to the device: random ones are made there, those of files are read ahead and copied while the caller goes on
/// (<see cref="Complete"/> waits for them), others are copied at once.
/// </summary>
internal sealed class CudaWeightLoader(KernelLibrary library, CudaDevice cuda, CudaStream stream, torch.Device device) : IDisposable
{
    private const int Threads = 256;
    private const int PieceBytes = 8 << 20;
    private const int MostReaders = 8; // each with two pinned pieces: 128 MiB, whatever the model

    private CudaStream? _copies;
    private PieceReaders? _readers;

    /// <summary>Waits until every weight is in its place; throws what went wrong with one that is not.</summary>
    public void Complete(CancellationToken cancellationToken)
    {
        _readers?.Complete(cancellationToken);
        Dispose();
    }

    /// <summary>Stops reading. Weights may be freed behind this, not before.</summary>
    public void Dispose()
    {
        _readers?.Dispose();
        _copies?.Dispose();
        (_readers, _copies) = (null, null);
    }

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
            else if (source is IStoredWeights stored)
            {
                ReadersOf(stored).Add(slot, TensorAddress.Of(part));
            }
            else
            {
                TensorLoader.CopyInto(part, source, slot, ElementType.BFloat16);
            }

            first += rows;
        }
    }

    private PieceReaders ReadersOf(IStoredWeights source)
    {
        if (_readers is null)
        {
            var (copies, placement) = (_copies = new CudaStream(), new WeightPlacement(library));
            _readers = new PieceReaders(source, Math.Clamp(Environment.ProcessorCount, 2, MostReaders), PieceBytes, () => new CudaPieceTarget(cuda, placement, copies, PieceBytes));
        }

        return _readers;
    }

    private void Generate(torch.Tensor target, DummyTensor tensor)
    {
        var count = target.NumberOfElements;
        library.Function("dummy", "dummy_weights").Launch(
            stream, ((int)((count + Threads - 1) / Threads), 1, 1), Threads, 0, TensorAddress.Of(target), (ulong)count, tensor.Key, tensor.Mean, tensor.Scale);
    }
}
