using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;

namespace Pipeline.TestKit.Batching;

/// <summary>Cache layouts for tests.</summary>
public static class CacheSpecs
{
    /// <summary>Room for a number of sequences of a longest length, fed in chunks of at most a size.</summary>
    public static KvCacheSpec For(ModelConfig config, int blockSize, int maxChunk, int maxLength, int sequences) => new(
        blockSize,
        [.. config.DistinctWindows.Select(window =>
        {
            var ring = KvCacheSpec.RingBlocksFor(window, blockSize, maxChunk, maxLength);
            return new KvCacheGroup(window, ring, ring * sequences);
        })]);
}
