using System.Runtime.CompilerServices;

namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>The last, incomplete sixteen floats of a row: never reads or writes past its end.</summary>
internal static unsafe class PartialLanes
{
    /// <summary>Loads <paramref name="count"/> floats; the other lanes are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Load<TLanes>(float* source, int count)
        where TLanes : struct, ILanes<TLanes> =>
        count >= LaneCount.Value ? TLanes.Load(source) : LoadTail<TLanes>(source, count);

    /// <summary>Stores the first <paramref name="count"/> lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes value, float* target, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        if (count >= LaneCount.Value)
        {
            TLanes.Store(value, target);
        }
        else
        {
            StoreTail(value, target, count);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TLanes LoadTail<TLanes>(float* source, int count)
        where TLanes : struct, ILanes<TLanes>
    {
        var lanes = stackalloc float[LaneCount.Value];
        for (var i = 0; i < count; i++)
        {
            lanes[i] = source[i];
        }

        return TLanes.Load(lanes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StoreTail<TLanes>(TLanes value, float* target, int count)
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
