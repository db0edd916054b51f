using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>down(silu(gate(x)) * up(x)), with gate and up in one projection.</summary>
public sealed class DenseFeedForward(LinearWeight gateUp, LinearWeight down) : IFeedForward
{
    public torch.Tensor? Forward(IKernelSet kernels, torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon) =>
        kernels.LinearOnto(residual, kernels.NormalizedGatedLinear(residual, delta, norm, epsilon, gateUp), down);

    public long WeightBytes => gateUp.ByteCount + down.ByteCount;

    public void Dispose()
    {
        gateUp.Dispose();
        down.Dispose();
    }
}
