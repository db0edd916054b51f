using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Sparse feed-forward block: each row visits its chosen experts, y = sum of weight * down(swiglu(gateUp(x))). Rows are grouped by
/// expert, so the weights of an expert are read once for all its rows, and those of an expert nobody chose never.
/// </summary>
/// <remarks>
/// Per expert: gateUp [2 * hidden, size], down [size, hidden]. A row adds up its experts in ascending expert order, whatever the
/// rows beside it. Bound like the linears: few rows by reading 12 * size * hidden bytes for each expert chosen.
/// </remarks>
public sealed unsafe class MoeFeedForward : IDisposable
{
    private readonly PackedLinear _router;
    private readonly PackedLinear[] _gateUps;
    private readonly PackedLinear[] _downs;
    private readonly int _chosen;

    /// <summary>Takes the ownership of the weights.</summary>
    public MoeFeedForward(PackedLinear router, IReadOnlyList<PackedLinear> gateUps, IReadOnlyList<PackedLinear> downs, int expertsPerToken)
    {
        this._router = router;
        this._gateUps = [.. gateUps];
        this._downs = [.. downs];
        _chosen = expertsPerToken;
        if (gateUps.Count != downs.Count)
        {
            throw new ArgumentException($"{gateUps.Count} experts have gate and up, {downs.Count} have down: expected as many", nameof(downs));
        }

        RequireShape(router, "router", gateUps.Count, Size);
        for (var expert = 0; expert < gateUps.Count; expert++)
        {
            RequireShape(gateUps[expert], $"gate and up of expert {expert}", 2 * Hidden, Size);
            RequireShape(downs[expert], $"down of expert {expert}", Size, Hidden);
        }
    }

    private int Size => _router.Inputs;

    private int Hidden => _downs[0].Inputs;

    private int Experts => _gateUps.Length;

    /// <summary>input, output: [rows, size]</summary>
    public void Forward(float* input, int rows, float* output, KernelThreads threads)
    {
        var logits = threads.Scratch.Routing.Reserve(((long)Experts + (4 * _chosen)) * rows);
        var weights = logits + ((nint)Experts * rows);
        var job = new Job { Input = input, Output = output, Weights = weights, Chosen = _chosen, Size = Size };
        job.Ids = (int*)(weights + ((nint)_chosen * rows));
        job.Slots = job.Ids + ((nint)_chosen * rows);
        job.RowOfSlot = job.Slots + ((nint)_chosen * rows);
        _router.Multiply(input, rows, logits, threads);
        ExpertRouting.Select(logits, rows, Experts, _chosen, job.Ids, weights, threads);
        job.ExpertRows = threads.Scratch.ExpertRows.Reserve((long)rows * _chosen * Size);
        RunExperts(&job, rows, threads);
        threads.Run(rows, KernelThreads.GrainFor(Size * _chosen / 4), CombineFor(threads.Width), &job);
    }

    public void Dispose()
    {
        _router.Dispose();
        foreach (var linear in _gateUps.Concat(_downs))
        {
            linear.Dispose();
        }
    }

    private void RunExperts(Job* job, int rows, KernelThreads threads)
    {
        var slots = rows * _chosen;
        var counts = stackalloc int[Experts];
        AssignSlots(job, rows, counts);
        Elementwise.GatherRows(job->Input, job->RowOfSlot, slots, Size, job->ExpertRows, threads);
        var gateUp = threads.Scratch.ExpertGateUp.Reserve((long)slots * 2 * Hidden);
        MultiplyGroups(_gateUps, counts, job->ExpertRows, gateUp, threads);
        var hidden = threads.Scratch.ExpertHidden.Reserve((long)slots * Hidden);
        SwiGlu.Apply(gateUp, slots, Hidden, hidden, threads);
        MultiplyGroups(_downs, counts, hidden, job->ExpertRows, threads);
    }

    /// <summary>Counting sort of the (row, rank) pairs by expert, rows ascending within an expert.</summary>
    private void AssignSlots(Job* job, int rows, int* counts)
    {
        new Span<int>(counts, Experts).Clear();
        for (var i = 0; i < rows * _chosen; i++)
        {
            counts[job->Ids[i]]++;
        }

        var next = stackalloc int[Experts];
        next[0] = 0;
        for (var expert = 1; expert < Experts; expert++)
        {
            next[expert] = next[expert - 1] + counts[expert - 1];
        }

        for (var i = 0; i < rows * _chosen; i++)
        {
            var slot = next[job->Ids[i]]++;
            job->Slots[i] = slot;
            job->RowOfSlot[slot] = i / _chosen;
        }
    }

    private void MultiplyGroups(PackedLinear[] weights, int* counts, float* input, float* output, KernelThreads threads)
    {
        var groups = stackalloc LinearGroup[Experts];
        var groupCount = 0;
        for (var expert = 0; expert < Experts; expert++)
        {
            if (counts[expert] > 0)
            {
                groups[groupCount++] = weights[expert].Group(input, counts[expert], output);
                input += (nint)counts[expert] * weights[expert].Inputs;
                output += (nint)counts[expert] * weights[expert].Outputs;
            }
        }

        LinearProduct.Run(groups, groupCount, weights[0].Outputs, weights[0].Inputs, threads);
    }

    private static delegate*<void*, int, int, void> CombineFor(VectorWidth width) => width switch
    {
        VectorWidth.Bits512 => &CombineRows<Lanes512>,
        VectorWidth.Bits256 => &CombineRows<Lanes256>,
        _ => &CombineRows<LanesScalar>,
    };

    /// <summary>Slots ascend with the expert, so going through a row's slots in ascending order fixes the order of the sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CombineRows<TLanes>(void* context, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        var job = (Job*)context;
        for (var row = start; row < end; row++)
        {
            var slots = job->Slots + ((nint)row * job->Chosen);
            var weights = job->Weights + ((nint)row * job->Chosen);
            new Span<int>(slots, job->Chosen).Sort(new Span<float>(weights, job->Chosen));
            var output = job->Output + ((nint)row * job->Size);
            var i = 0;
            for (; i + LaneCount.Value <= job->Size; i += LaneCount.Value)
            {
                var sum = TLanes.Broadcast(0);
                for (var rank = 0; rank < job->Chosen; rank++)
                {
                    sum = TLanes.FusedMultiplyAdd(TLanes.Broadcast(weights[rank]), TLanes.Load(job->ExpertRow(slots[rank]) + i), sum);
                }

                TLanes.Store(sum, output + i);
            }

            for (; i < job->Size; i++)
            {
                output[i] = 0;
                for (var rank = 0; rank < job->Chosen; rank++)
                {
                    output[i] = MathF.FusedMultiplyAdd(weights[rank], job->ExpertRow(slots[rank])[i], output[i]);
                }
            }
        }
    }

    private static void RequireShape(PackedLinear weight, string name, int outputs, int inputs)
    {
        if (weight.Outputs != outputs || weight.Inputs != inputs)
        {
            throw new ArgumentException($"{name} is [{weight.Outputs}, {weight.Inputs}], expected [{outputs}, {inputs}]");
        }
    }

    /// <summary>Buffers of one forward pass. A slot is a place in the list of all (row, expert) pairs, sorted by expert.</summary>
    private struct Job
    {
        public float* Input;        // [rows, size]
        public float* Output;       // [rows, size]
        public float* Weights;      // [rows, chosen]
        public int* Ids;            // [rows, chosen]
        public int* Slots;          // [rows, chosen]
        public int* RowOfSlot;      // [rows * chosen]
        public float* ExpertRows;   // [rows * chosen, size]
        public int Chosen;
        public int Size;

        public readonly float* ExpertRow(int slot) => ExpertRows + ((nint)slot * Size);
    }
}
