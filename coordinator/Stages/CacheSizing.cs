using Pipeline.Coordinator.Sharding;
using Pipeline.Shared.Caching;

namespace Pipeline.Coordinator.Stages;

/// <summary>The cache of a pipeline that is about to start: what the poorest stage can afford, but no more than the sequences can ever use.</summary>
public static class CacheSizing
{
    /// <param name="budget">Bytes that each stage may take.</param>
    public static KvCacheSpec Plan(PipelineSettings settings, IReadOnlyList<long> budget)
    {
        var options = new CacheOptions(settings.BlockSize, settings.RingReserve, settings.MaxModelLength, settings.ComputeType);
        var affordable = new CachePlanner(settings.Model, settings.Plan, options).Fit(budget);
        var groups = affordable.Groups.Select(group => group with { BlockCount = (int)Math.Min(group.BlockCount, (long)group.RingBlocks * settings.MaxSequences) }).ToList();
        var shortest = groups.Find(group => group.BlockCount < group.RingBlocks);
        if (shortest is null)
        {
            return new KvCacheSpec(settings.BlockSize, groups);
        }

        var (limit, more) = settings.CacheBytesPerStage is null ? ("memory", "") : ("--kv-cache-memory", "raise it, ");
        // Sequences that take one block each take no less when they are shorter.
        var smaller = shortest.RingBlocks == 1 ? "--block-size" : "--max-model-len";
        throw new UserErrorException(
            $"the cache does not hold even one sequence of {settings.MaxModelLength} tokens: {shortest.RingBlocks} blocks of {settings.BlockSize} are needed, {limit} allows {shortest.BlockCount}; {more}lower {smaller} or use more stages");
    }

    /// <summary>The cache of the same pipeline for smaller steps. Takes no more memory, for shorter rings take fewer blocks.</summary>
    public static KvCacheSpec ForSteps(KvCacheSpec launched, PipelineSettings settings) => launched with
    {
        Groups = [.. launched.Groups.Select(group => ForSteps(group, launched.BlockSize, settings))],
    };

    private static KvCacheGroup ForSteps(KvCacheGroup group, int blockSize, PipelineSettings settings)
    {
        var ring = KvCacheSpec.RingBlocksFor(group.Window, blockSize, settings.RingReserve, settings.MaxModelLength);
        return group with { RingBlocks = ring, BlockCount = (int)Math.Min(group.BlockCount, (long)ring * settings.MaxSequences) };
    }
}
