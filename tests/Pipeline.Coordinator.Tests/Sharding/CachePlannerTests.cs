using Pipeline.Coordinator.Sharding;
using Pipeline.Shared.Caching;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Sharding;

public class CachePlannerTests
{
    private const long GiB = 1L << 30;

    [Theory]
    [InlineData("mistral-7b", 131_072)]
    [InlineData("mixtral-8x22b", 229_376)]
    [InlineData("nemo", 163_840)]
    public void BytesPerToken_OverAllStages_IsTheKnownSize(string model, long expected)
    {
        var config = ModelShapes.Named(model);
        var plan = ShardPlanner.Plan(config, ElementType.BFloat16, 4, new EvenPartition());
        var cache = new CachePlanner(config, plan, new CacheOptions(16, 2048, config.MaxPositions, ElementType.BFloat16));

        Assert.Equal(expected, plan.Shards.Sum(cache.BytesPerToken));
    }

    [Fact]
    public void Fit_OneGroup_GivesEveryStageThePoorestStagesBlocks()
    {
        var config = ModelShapes.Mixtral8x7B;
        var plan = ShardPlan.FromLayerCounts([12, 8, 8, 4]);
        var cache = new CachePlanner(config, plan, new CacheOptions(16, 2048, 32768, ElementType.BFloat16));
        long[] free = [30 * GiB, 10 * GiB, 20 * GiB, 8 * GiB];

        // 4 KiB a layer and token: 64 KiB a block and layer. 30 GiB on 12 layers, 10 on 8, 20 on 8, 8 on 4.
        var expected = new[] { 40_960, 20_480, 40_960, 32_768 };
        Assert.Equal(20_480, cache.Fit(free).Groups.Single().BlockCount);
        Assert.Equal(expected.Select(blocks => 16L * blocks), plan.Shards.Zip(free, cache.AffordableTokens));
    }

    [Fact]
    public void Fit_SeveralGroups_FillsThePoorestStageAndOverflowsNone()
    {
        var random = new Random(3);
        for (var trial = 0; trial < 200; trial++)
        {
            var config = ModelShapes.Ministral8B with { WindowPattern = [null, random.Next(1, 40_000), random.Next(1, 40_000)] };
            var plan = ShardPlanner.Plan(config, ElementType.BFloat16, random.Next(1, 10), new EvenPartition());
            var options = new CacheOptions(random.Next(1, 65), random.Next(1, 4097), random.Next(1, 200_000), ElementType.BFloat16);
            var free = plan.Shards.Select(_ => random.NextInt64(0, 60 * GiB)).ToArray();
            var groups = new CachePlanner(config, plan, options).Fit(free).Groups;

            var used = plan.Shards.Select(shard => Used(config, shard, options, groups.Select(group => group.BlockCount))).ToArray();
            var withOneMore = plan.Shards.Select(shard => Used(config, shard, options, groups.Select(group => group.BlockCount + 1))).ToArray();
            Assert.All(used.Zip(free), pair => Assert.True(pair.First <= pair.Second));
            Assert.Contains(withOneMore.Zip(free), pair => pair.First > pair.Second);
        }
    }

    [Fact]
    public void Fit_WindowedModel_BoundsASequenceByItsRing()
    {
        var config = ModelShapes.Mistral7B;
        var plan = ShardPlan.FromLayerCounts([32]);
        var cache = new CachePlanner(config, plan, new CacheOptions(16, 2048, 32768, ElementType.BFloat16));

        Assert.Equal((4096 + 2048) * 131_072L, cache.BytesPerSequence(plan.Shards[0]));
        Assert.Equal(384, cache.Fit([GiB]).Groups.Single().RingBlocks);
    }

    [Fact]
    public void Fit_NoRoom_IsNoBlocks()
    {
        var plan = ShardPlan.FromLayerCounts([16, 16]);
        var cache = new CachePlanner(ModelShapes.Mistral7B, plan, new CacheOptions(16, 2048, 32768, ElementType.BFloat16));

        Assert.Equal(0, cache.Fit([GiB, -GiB]).Groups.Single().BlockCount);
        Assert.Equal(0, cache.AffordableTokens(plan.Shards[1], -GiB));
    }

    /// <summary>Bytes counted layer by layer.</summary>
    private static long Used(ModelConfig config, ShardAssignment shard, CacheOptions options, IEnumerable<int> blocks)
    {
        var counts = blocks.ToArray();
        return Enumerable.Range(shard.Layers.Start, shard.Layers.Count)
            .Sum(layer => (long)counts[config.CacheGroupOf(layer)] * KvCacheSpec.BlockBytes(config, options.BlockSize, 1, options.ElementType));
    }
}
