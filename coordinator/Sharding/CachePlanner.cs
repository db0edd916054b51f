using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Sharding;

/// <summary>
/// Turns the memory that the weights leave free into cache blocks. One block table serves every stage, so each group gets
/// the blocks that the poorest stage can afford; groups share in proportion to what one longest sequence takes of each.
/// </summary>
public sealed class CachePlanner(ModelConfig config, ShardPlan plan, CacheOptions options)
{
    private readonly IReadOnlyList<int?> _windows = config.DistinctWindows;

    /// <summary>The cache that fits on every stage; <paramref name="freeBytes"/> by stage index.</summary>
    public KvCacheSpec Fit(IReadOnlyList<long> freeBytes)
    {
        ArgumentNullException.ThrowIfNull(freeBytes);
        var groups = _windows.Select((window, group) => new KvCacheGroup(
            window,
            RingBlocks(group),
            plan.Shards.Min(shard => AffordableBlocks(shard, group, freeBytes[shard.StageIndex]))));
        return new KvCacheSpec(options.BlockSize, [.. groups]);
    }

    /// <summary>Tokens of unbounded context, or of the widest window, that a stage could cache if it were alone.</summary>
    public long AffordableTokens(ShardAssignment shard, long freeBytes) =>
        (long)AffordableBlocks(shard, LongestGroup(), freeBytes) * options.BlockSize;

    /// <summary>The group whose ring is longest: the one that a long sequence fills last.</summary>
    public int LongestGroup() => Enumerable.Range(0, _windows.Count).MaxBy(RingBlocks);

    /// <summary>Bytes that one token adds on a stage, over all its layers.</summary>
    public long BytesPerToken(ShardAssignment shard)
    {
        ArgumentNullException.ThrowIfNull(shard);
        return KvCacheSpec.BlockBytes(config, blockSize: 1, shard.Layers.Count, options.ElementType);
    }

    /// <summary>Bytes that a sequence of the longest admitted length holds on a stage.</summary>
    public long BytesPerSequence(ShardAssignment shard)
    {
        ArgumentNullException.ThrowIfNull(shard);
        return Enumerable.Range(0, _windows.Count).Sum(group => RingBlocks(group) * BlockBytes(shard, group));
    }

    private int AffordableBlocks(ShardAssignment shard, int group, long freeBytes)
    {
        var blocks = (Int128)Math.Max(0, freeBytes) * RingBlocks(group) / BytesPerSequence(shard);
        return (int)Int128.Min(blocks, int.MaxValue);
    }

    private int RingBlocks(int group) =>
        KvCacheSpec.RingBlocksFor(_windows[group], options.BlockSize, options.MaxChunk, options.MaxModelLength);

    private long BlockBytes(ShardAssignment shard, int group)
    {
        var layers = Enumerable.Range(shard.Layers.Start, shard.Layers.Count).Count(layer => config.CacheGroupOf(layer) == group);
        return KvCacheSpec.BlockBytes(config, options.BlockSize, layers, options.ElementType);
    }
}
