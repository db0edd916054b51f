using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>down(silu(gate(x)) * up(x)), with gate and up in one projection.</summary>
public sealed class DenseFeedForward(LinearWeight gateUp, LinearWeight down) : IFeedForward
{
    public torch.Tensor Forward(IKernelSet kernels, torch.Tensor input) => kernels.Linear(kernels.GatedLinear(input, gateUp), down);

    public long WeightBytes => gateUp.ByteCount + down.ByteCount;

    public void Dispose()
    {
        gateUp.Dispose();
        down.Dispose();
    }
}
