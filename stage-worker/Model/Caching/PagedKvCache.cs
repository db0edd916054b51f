using Pipeline.Model.Kernels;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using TorchSharp;

namespace Pipeline.Model.Caching;

/// <summary>
/// The physical cache of a shard: allotted once, never grown. Contents are whatever was there before; only slots that a
/// sequence has written are ever read.
/// </summary>
public sealed class PagedKvCache : IDisposable
{
    private readonly List<LayerKvCache> _layers = [];
    private readonly LayerRange _range;

    public PagedKvCache(ModelConfig config, KvCacheSpec spec, LayerRange range, ElementType elementType, torch.Device device)
    {
        Spec = spec;
        _range = range;
        // The cache is what memory runs out with: what was had until then is given back by the scope.
        using var scope = torch.NewDisposeScope();
        for (var layer = range.Start; layer < range.End; layer++)
        {
            var group = config.CacheGroupOf(layer);
            long[] shape = [spec.Groups[group].BlockCount, spec.BlockSize, config.KvHeadCount, config.HeadDim];
            ByteCount += 2 * shape.Aggregate((a, b) => a * b) * elementType.ByteSize();
            _layers.Add(new LayerKvCache(
                torch.empty(shape, TorchTypes.ScalarTypeOf(elementType), device), torch.empty(shape, TorchTypes.ScalarTypeOf(elementType), device), group));
        }

        _layers.ForEach(layer => scope.Detach(layer.Keys, layer.Values));
    }

    public KvCacheSpec Spec { get; }

    public long ByteCount { get; private set; }

    /// <summary>Cache of a layer by its global index.</summary>
    public LayerKvCache this[int layer] => _layers[layer - _range.Start];

    public void Dispose()
    {
        foreach (var layer in _layers)
        {
            layer.Dispose();
        }
    }
}
