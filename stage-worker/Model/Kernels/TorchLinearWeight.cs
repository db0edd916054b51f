using TorchSharp;

namespace Pipeline.Model.Kernels;

/// <summary>A weight as a plain tensor <c>[rows, columns]</c>.</summary>
public sealed class TorchLinearWeight(torch.Tensor tensor) : LinearWeight((int)tensor.shape[0], (int)tensor.shape[1])
{
    public torch.Tensor Tensor { get; } = tensor;

    public override long ByteCount => Tensor.NumberOfElements * Tensor.ElementSize;

    public override void Dispose() => Tensor.Dispose();
}
