using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Kernels;

/// <summary>A weight packed into column panels.</summary>
public sealed class CpuLinearWeight(PackedLinear packed) : LinearWeight(packed.Outputs, packed.Inputs)
{
    public PackedLinear Packed { get; } = packed;

    public override long ByteCount => Packed.ByteSize;

    public override void Dispose() => Packed.Dispose();
}
