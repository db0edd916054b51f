using Pipeline.Model.Kernels;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>Final norm and output projection; only the rows that somebody asked for go through it.</summary>
public sealed class LmHead(IKernelSet kernels, torch.Tensor norm, LinearWeight projection, double epsilon) : IDisposable
{
    /// <summary>Logits in float32: <c>[rows.Length, vocabulary]</c>.</summary>
    public torch.Tensor Forward(torch.Tensor residual, torch.Tensor? delta, int[] rows) => Logits(residual, delta, rows).to_type(torch.ScalarType.Float32);

    /// <summary>Logits in the element type of the computation; without a choice of rows those of all, and the residual is changed.</summary>
    public torch.Tensor Logits(torch.Tensor residual, torch.Tensor? delta, int[]? rows)
    {
        var wanted = rows is null ? residual : kernels.SelectRows(residual, rows);
        var left = rows is null || delta is null ? delta : kernels.SelectRows(delta, rows);
        return kernels.NormalizedLinear(wanted, left, norm, epsilon, projection);
    }

    public long WeightBytes => ModelShard.Bytes(norm) + projection.ByteCount;

    public void Dispose()
    {
        norm.Dispose();
        projection.Dispose();
    }
}
