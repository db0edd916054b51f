using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>The one place where Mistral and Mixtral differ.</summary>
public interface IFeedForward : IDisposable
{
    long WeightBytes { get; }

    /// <summary>Takes the residual stream and what is still to be added to it; returns what is then to be added, if anything.</summary>
    torch.Tensor? Forward(IKernelSet kernels, torch.Tensor residual, torch.Tensor? delta, torch.Tensor norm, double epsilon);
}
