using Pipeline.Model.CpuKernels;

namespace Pipeline.Model.Kernels;

/// <summary>A sparse layer whose rows are grouped by expert.</summary>
public sealed class CpuExpertWeights(MoeFeedForward experts, long byteCount) : ExpertWeights
{
    public MoeFeedForward Experts { get; } = experts;

    public override long ByteCount { get; } = byteCount;

    public override void Dispose() => Experts.Dispose();
}
