namespace Pipeline.Model.CpuKernels.Lanes;

/// <summary>How many floats one <see cref="ILanes{TSelf}"/> holds; part of the arithmetic, never a matter of the host.</summary>
internal static class LaneCount
{
    public const int Value = 16;
}
