using System.Runtime.CompilerServices;
using Pipeline.Model.CpuKernels.Lanes;

namespace Pipeline.Model.CpuKernels;

/// <summary>
/// Chooses the experts of each row: the largest router logits, ties to the lowest expert, and the softmax over just those.
/// logits: [rows, experts] to ids and weights: [rows, chosen], best first.
/// </summary>
/// <remarks>A few dozen operations a row: never worth a second thread, and a vanishing part of a step.</remarks>
public static unsafe class ExpertRouting
{
    public static void Select(float* logits, int rows, int experts, int chosen, int* ids, float* weights, KernelThreads threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(chosen, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chosen, Math.Min(experts, LaneCount.Value));
        for (var row = 0; row < rows; row++, logits += experts, ids += chosen, weights += chosen)
        {
            SelectLargest(logits, experts, chosen, ids, weights);
            switch (threads.Width)
            {
                case VectorWidth.Bits512: Softmax<Lanes512>(weights, chosen); break;
                case VectorWidth.Bits256: Softmax<Lanes256>(weights, chosen); break;
                default: Softmax<LanesScalar>(weights, chosen); break;
            }
        }
    }

    /// <summary>Ids of the largest logits and the logits themselves, in falling order.</summary>
    private static void SelectLargest(float* logits, int experts, int chosen, int* ids, float* values)
    {
        for (var rank = 0; rank < chosen; rank++)
        {
            var best = -1;
            for (var expert = 0; expert < experts; expert++)
            {
                if (!new ReadOnlySpan<int>(ids, rank).Contains(expert) && (best < 0 || logits[expert] > logits[best]))
                {
                    best = expert;
                }
            }

            ids[rank] = best;
            values[rank] = logits[best];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softmax<TLanes>(float* values, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        var largest = TLanes.Broadcast(values[0]);
        PartialLanes.Store(LaneExp.Exp(TLanes.Subtract(PartialLanes.Load<TLanes>(values, count), largest)), values, count);
        var sum = TLanes.Sum(PartialLanes.Load<TLanes>(values, count));
        for (var i = 0; i < count; i++)
        {
            values[i] /= sum;
        }
    }
}
