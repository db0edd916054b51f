using System.Runtime.CompilerServices;

namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>
/// The last, incomplete sixteen floats of a row: never reads or writes past its end. Kept out of the loops over whole lanes,
/// where a call would push every register to the stack.
/// </summary>
internal static unsafe class PartialLanes
{
    /// <summary>Loads <paramref name="count"/> floats; the other lanes are zero.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static TLanes Load<TLanes>(float* source, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        var lanes = stackalloc float[LaneCount.Value];
        for (var i = 0; i < count; i++)
        {
            lanes[i] = source[i];
        }

        return TLanes.Load(lanes);
    }

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static void Store<TLanes>(TLanes value, float* target, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        var lanes = stackalloc float[LaneCount.Value];
        TLanes.Store(value, lanes);
        for (var i = 0; i < count; i++)
        {
            target[i] = lanes[i];
        }
    }
}
