using Pipeline.Coordinator.Scheduling;
using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Batching;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Stages;

public class CacheSizingForStepsTests
{
    private static readonly ModelConfig Windows = ModelConfigFile.Read(Fixtures.At("random-mistral")).Config with { WindowPattern = [16, null, 64] };

    [Theory]
    [InlineData(1, false)]
    [InlineData(7, false)]
    [InlineData(16, true)]
    [InlineData(500, true)]
    public void ForSteps_EnoughMemory_IsTheCacheOfALaunchForSuchSteps(int chunk, bool prefixes)
    {
        var small = Settings(chunk) with { PrefixCaching = prefixes };
        var expected = CacheSizing.Plan(small, [long.MaxValue / 4, long.MaxValue / 4]);

        var resized = CacheSizing.ForSteps(CacheSizing.Plan(Settings(500) with { PrefixCaching = prefixes }, [long.MaxValue / 4, long.MaxValue / 4]), small);

        Assert.Equal(expected.BlockSize, resized.BlockSize);
        Assert.Equal(expected.Groups, resized.Groups);
    }

    /// <summary>Rings behind a window are a block longer, because they leave a shared block as a whole; a table that only grows stays as it is.</summary>
    [Fact]
    public void Plan_WithPrefixCaching_IsACacheThatTheSchedulerTakes()
    {
        var settings = Settings(16) with { PrefixCaching = true };
        var cache = CacheSizing.Plan(settings, [long.MaxValue / 4, long.MaxValue / 4]);

        Assert.Equal([3, 38, 6], cache.Groups.Select(group => group.RingBlocks));
        new SchedulerOptions { Epoch = new PlanEpoch(1), MaxSequences = 4, MaxBatchedTokens = 16, Microbatches = 2, MaxModelLength = 600, PrefixCaching = true }.Validate(cache);
        Assert.Equal([2, 38, 5], CacheSizing.Plan(Settings(16), [long.MaxValue / 4, long.MaxValue / 4]).Groups.Select(group => group.RingBlocks));
    }

    [Fact]
    public void ForSteps_LittleMemory_TakesNoMoreBlocksThanTheLaunch()
    {
        var launched = new KvCacheSpec(16, [new KvCacheGroup(16, 33, 40), new KvCacheGroup(null, 38, 38), new KvCacheGroup(64, 36, 36)]);

        var resized = CacheSizing.ForSteps(launched, Settings(1));

        Assert.Equal([new KvCacheGroup(16, 2, 8), new KvCacheGroup(null, 38, 38), new KvCacheGroup(64, 5, 20)], resized.Groups);
    }

    [Theory]
    [InlineData(16, "38 blocks of 16 are needed, memory allows 0; lower --max-model-len or use more stages")]
    [InlineData(1024, "1 blocks of 1024 are needed, memory allows 0; lower --block-size or use more stages")]
    public void Plan_TooLittleMemory_NamesWhatTakesIt(int blockSize, string expected)
    {
        var settings = Settings(16) with { BlockSize = blockSize, Model = Windows with { WindowPattern = [null] } };

        var error = Assert.Throws<UserErrorException>(() => CacheSizing.Plan(settings, [1, 1]));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private static PipelineSettings Settings(int chunk) => new()
    {
        Model = Windows,
        ModelDirectory = "",
        Plan = ShardPlan.FromLayerCounts([3, 3]),
        Microbatches = 2,
        MaxSequences = 4,
        MaxBatchedTokens = chunk,
        MaxModelLength = 600,
        BlockSize = 16,
    };
}
