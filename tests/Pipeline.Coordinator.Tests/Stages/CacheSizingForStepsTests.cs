using Pipeline.Coordinator.Stages;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;
using Pipeline.TestKit;

namespace Pipeline.Coordinator.Tests.Stages;

public class CacheSizingForStepsTests
{
    private static readonly ModelConfig Windows = ModelConfigFile.Read(Fixtures.At("random-mistral")).Config with { WindowPattern = [16, null, 64] };

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(16)]
    [InlineData(500)]
    public void ForSteps_EnoughMemory_IsTheCacheOfALaunchForSuchSteps(int chunk)
    {
        var small = Settings(chunk);
        var expected = CacheSizing.Plan(small, [long.MaxValue / 4, long.MaxValue / 4]);

        var resized = CacheSizing.ForSteps(CacheSizing.Plan(Settings(500), [long.MaxValue / 4, long.MaxValue / 4]), small);

        Assert.Equal(expected.BlockSize, resized.BlockSize);
        Assert.Equal(expected.Groups, resized.Groups);
    }

    [Fact]
    public void ForSteps_LittleMemory_TakesNoMoreBlocksThanTheLaunch()
    {
        var launched = new KvCacheSpec(16, [new KvCacheGroup(16, 33, 40), new KvCacheGroup(null, 38, 38), new KvCacheGroup(64, 36, 36)]);

        var resized = CacheSizing.ForSteps(launched, Settings(1));

        Assert.Equal([new KvCacheGroup(16, 2, 8), new KvCacheGroup(null, 38, 38), new KvCacheGroup(64, 5, 20)], resized.Groups);
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
