using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Models;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>
/// One pre-norm decoder layer: h = x + Attention(norm(x)); x' = h + FeedForward(norm(h)). The sum with the feed-forward
/// result is left to the norm that follows, so that kernels can fuse the two.
/// </summary>
public sealed class DecoderLayer(
    ModelConfig config, IKernelSet kernels, torch.Tensor attentionNorm, LinearWeight qkv, LinearWeight output, torch.Tensor feedForwardNorm, IFeedForward feedForward) : IDisposable
{
    /// <summary>Adds what the layer before left over, runs the layer in place on the residual stream, returns its own left-over.</summary>
    public torch.Tensor? Forward(torch.Tensor residual, torch.Tensor? delta, LayerKvCache cache, StepLayout layout)
    {
        var projected = kernels.NormalizedLinear(residual, delta, attentionNorm, config.NormEpsilon, qkv); // [rows, (heads + 2 kv heads) * head dim]
        var attended = kernels.Attend(projected, cache, layout, config);                                   // [rows, heads * head dim]
        var left = kernels.LinearOnto(residual, attended, output);
        return feedForward.Forward(kernels, residual, left, feedForwardNorm, config.NormEpsilon);
    }

    public long WeightBytes => ModelShard.Bytes(attentionNorm) + qkv.ByteCount + output.ByteCount + ModelShard.Bytes(feedForwardNorm) + feedForward.WeightBytes;

    public void Dispose()
    {
        attentionNorm.Dispose();
        qkv.Dispose();
        output.Dispose();
        feedForwardNorm.Dispose();
        feedForward.Dispose();
    }
}
