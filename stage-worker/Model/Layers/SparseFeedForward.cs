using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>A sparse mixture of experts: every token visits its top-k of them.</summary>
public sealed class SparseFeedForward(ExpertWeights weights) : IFeedForward
{
    public torch.Tensor? Forward(IKernelSet kernels, torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon) =>
        kernels.MixExperts(kernels.AddAndNormalize(residual, delta, norm, epsilon), weights);

    public long WeightBytes => weights.ByteCount;

    public void Dispose() => weights.Dispose();
}
