using TorchSharp;

namespace Pipeline.Model.Caching;

/// <summary>Keys and values of one layer, each <c>[blocks, block size, kv heads, head dim]</c>, and the cache group they belong to.</summary>
public sealed record LayerKvCache(torch.Tensor Keys, torch.Tensor Values, int Group) : IDisposable
{
    public void Dispose()
    {
        Keys.Dispose();
        Values.Dispose();
    }
}
