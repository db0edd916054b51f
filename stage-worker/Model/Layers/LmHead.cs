using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>Final norm and output projection; only the rows that somebody asked for go through it.</summary>
public sealed class LmHead(IKernelSet kernels, torch.Tensor norm, LinearWeight projection, double epsilon) : IDisposable
{
    /// <summary>Logits in float32: <c>[rows.Length, vocabulary]</c>.</summary>
    public torch.Tensor Forward(torch.Tensor residual, torch.Tensor? delta, int[] rows)
    {
        var wanted = kernels.SelectRows(residual, rows);
        var left = delta is null ? null : kernels.SelectRows(delta, rows);
        return kernels.Linear(kernels.AddAndNormalize(wanted, left, norm, epsilon), projection).to_type(torch.ScalarType.Float32);
    }

    public long WeightBytes => ModelShard.Bytes(norm) + projection.ByteCount;

    public void Dispose()
    {
        norm.Dispose();
        projection.Dispose();
    }
}
