using Pipeline.Model.Caching;
using Pipeline.Model.Kernels;
using Pipeline.Shared.Sharding;
using TorchSharp;

namespace Pipeline.Model.Layers;

/// <summary>What a shard computes with: its weights, and the cache once it is allotted.</summary>
public sealed class ShardBody(ShardAssignment assignment, IKernelSet kernels, torch.Tensor? embedding, IReadOnlyList<DecoderLayer> layers, LmHead? head) : IDisposable
{
    private PagedKvCache? _cache;

    public bool IsFirst => embedding is not null && assignment.IsFirst;

    public torch.Tensor? Embedding => embedding;

    public LmHead? Head => head;

    public long WeightBytes => (embedding is null ? 0 : ModelShard.Bytes(embedding)) + layers.Sum(layer => layer.WeightBytes) + (head?.WeightBytes ?? 0);

    /// <summary>The cache, which has to be allotted first.</summary>
    public PagedKvCache Cache => _cache ?? throw new InvalidOperationException("the cache is not allotted yet");

    /// <summary>From here on the steps use this cache; the one before is freed.</summary>
    public void TakeCache(PagedKvCache? cache)
    {
        _cache?.Dispose();
        _cache = cache;
    }

    /// <summary>Runs the layers in place on the residual stream <c>[rows, hidden]</c>; returns what is still to be added to it.</summary>
    public torch.Tensor? ForwardLayers(torch.Tensor residual, StepLayout layout)
    {
        torch.Tensor? delta = null;
        for (var i = 0; i < layers.Count; i++)
        {
            delta = layers[i].Forward(residual, delta, Cache[assignment.Layers.Start + i], layout);
        }

        return delta;
    }

    public torch.Tensor Embed(StepLayout layout) => kernels.Embed(embedding!, layout.Tokens);

    public void Dispose()
    {
        _cache?.Dispose();
        embedding?.Dispose();
        foreach (var layer in layers)
        {
            layer.Dispose();
        }

        head?.Dispose();
    }
}
