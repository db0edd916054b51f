using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>Residual additions and row gathers: bound by memory, 12 and 8 bytes an element (12 additions a nanosecond on one Zen 4 thread).</summary>
public static unsafe class Elementwise
{
    /// <summary>Floats that one thread adds at a time.</summary>
    private const int Block = 4096;

    /// <summary>target += delta, elementwise.</summary>
    public static void Add(float* target, float* delta, long count, KernelThreads threads)
    {
        var job = new AddJob { Target = target, Delta = delta, Count = count };
        delegate*<void*, int, int, void> body = threads.Width switch
        {
            VectorWidth.Bits512 => &AddBlocks<Lanes512>,
            VectorWidth.Bits256 => &AddBlocks<Lanes256>,
            _ => &AddBlocks<LanesScalar>,
        };
        threads.Run(checked((int)((count + Block - 1) / Block)), KernelThreads.GrainFor(Block / 4), body, &job);
    }

    /// <summary>output[i] = table[ids[i]] for rows of <paramref name="width"/> floats: embedding lookup, rows that need logits.</summary>
    public static void GatherRows(float* table, int* ids, int count, int width, float* output, KernelThreads threads)
    {
        var job = new GatherJob { Table = table, Ids = ids, Width = width, Output = output };
        threads.Run(count, KernelThreads.GrainFor(width / 4), &GatherRange, &job);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddBlocks<TLanes>(void* context, int start, int end)
        where TLanes : struct, ILanes<TLanes>
    {
        var job = (AddJob*)context;
        var last = (nint)Math.Min(job->Count, (long)end * Block);
        var i = (nint)start * Block;
        for (; i + LaneCount.Value <= last; i += LaneCount.Value)
        {
            TLanes.Store(TLanes.Add(TLanes.Load(job->Target + i), TLanes.Load(job->Delta + i)), job->Target + i);
        }

        for (; i < last; i++)
        {
            job->Target[i] += job->Delta[i];
        }
    }

    private static void GatherRange(void* context, int start, int end)
    {
        var job = (GatherJob*)context;
        for (var i = start; i < end; i++)
        {
            var row = new ReadOnlySpan<float>(job->Table + ((nint)job->Ids[i] * job->Width), job->Width);
            row.CopyTo(new Span<float>(job->Output + ((nint)i * job->Width), job->Width));
        }
    }

    /// <summary>Arguments of an addition.</summary>
    private struct AddJob
    {
        public float* Target;
        public float* Delta;
        public long Count;
    }

    /// <summary>Arguments of a gather.</summary>
    private struct GatherJob
    {
        public float* Table;
        public int* Ids;
        public int Width;
        public float* Output;
    }
}
