using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>The one place where Mistral and Mixtral differ.</summary>
public interface IFeedForward : IDisposable
{
    long WeightBytes { get; }

    torch.Tensor Forward(IKernelSet kernels, torch.Tensor input);
}
