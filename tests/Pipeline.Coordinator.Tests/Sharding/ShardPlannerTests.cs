using Pipeline.Coordinator.Sharding;
using Pipeline.Shared.Models;
using Pipeline.Shared.Sharding;

namespace Pipeline.Coordinator.Tests.Sharding;

public class ShardPlannerTests
{
    [Fact]
    public void Plan_EveryLayerAndStageCount_CoversAllLayersOnceWithoutEmptyStages()
    {
        for (var layers = 1; layers <= 90; layers++)
        {
            for (var stages = 1; stages <= Math.Min(16, layers); stages++)
            {
                AssertCovers(Plan(layers, stages, new EvenPartition()), layers, stages);
                AssertCovers(Plan(layers, stages, new CostPartition()), layers, stages);
            }
        }
    }

    [Fact]
    public void Plan_Even_DiffersByAtMostOne()
    {
        for (var layers = 1; layers <= 90; layers++)
        {
            for (var stages = 1; stages <= Math.Min(16, layers); stages++)
            {
                var counts = Counts(Plan(layers, stages, new EvenPartition()));
                Assert.InRange(counts.Max() - counts.Min(), 0, 1);
            }
        }
    }

    [Fact]
    public void Plan_MoreStagesThanLayers_NamesBothNumbers()
    {
        for (var layers = 1; layers < 16; layers++)
        {
            for (var stages = layers + 1; stages <= 16; stages++)
            {
                var message = Assert.Throws<UserErrorException>(() => Plan(layers, stages, new EvenPartition())).Message;
                Assert.Contains($"{layers} layers", message, StringComparison.Ordinal);
                Assert.Contains($"{stages} stages", message, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void Plan_NoStages_IsRefused(int stages) =>
        Assert.Contains($"{stages} stages", Assert.Throws<UserErrorException>(() => Plan(32, stages, new CostPartition())).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(32, 4, new[] { 8, 8, 8, 8 })]
    [InlineData(32, 3, new[] { 11, 11, 10 })]
    [InlineData(9, 4, new[] { 3, 2, 2, 2 })]
    [InlineData(5, 4, new[] { 2, 1, 1, 1 })]
    public void Plan_Even_GivesTheRestToTheFirst(int layers, int stages, int[] expected) =>
        Assert.Equal(expected, Counts(Plan(layers, stages, new EvenPartition())));

    [Fact]
    public void PlanExplicit_GivenCounts_AreTheRanges()
    {
        var plan = ShardPlanner.PlanExplicit(Layers(8), [3, 2, 2, 1], stageCount: 4);

        Assert.Equal([new LayerRange(0, 3), new LayerRange(3, 5), new LayerRange(5, 7), new LayerRange(7, 8)], plan.Shards.Select(shard => shard.Layers));
        Assert.Equal(plan.Shards, ShardPlanner.PlanExplicit(Layers(8), [3, 2, 2, 1], stageCount: null).Shards);
    }

    [Theory]
    [InlineData(new[] { 3, 2, 2 }, null, "sum to 7", "8 layers")]
    [InlineData(new[] { 3, 2, 2, 2 }, null, "sum to 9", "8 layers")]
    [InlineData(new[] { 4, 4 }, 3, "2 stages", "3 were asked")]
    [InlineData(new[] { 4, 0, 4 }, null, "stage 1", "0 layers")]
    [InlineData(new[] { 9, -1 }, null, "stage 1", "-1 layers")]
    [InlineData(new[] { int.MaxValue, int.MaxValue }, null, "sum to 4294967294", "8 layers")]
    [InlineData(new[] { 1, 1, 1, 1, 1, 1, 1, 1, 1 }, null, "8 layers", "9 stages")]
    [InlineData(new int[0], null, "0 stages", "at least 1")]
    public void PlanExplicit_ImpossibleCounts_NameBothNumbers(int[] counts, int? stages, string first, string second)
    {
        var message = Assert.Throws<UserErrorException>(() => ShardPlanner.PlanExplicit(Layers(8), counts, stages)).Message;
        Assert.Contains(first, message, StringComparison.Ordinal);
        Assert.Contains(second, message, StringComparison.Ordinal);
    }

    private static void AssertCovers(ShardPlan plan, int layers, int stages)
    {
        Assert.Equal(stages, plan.StageCount);
        Assert.Equal(Enumerable.Range(0, layers), plan.Shards.SelectMany(shard => Enumerable.Range(shard.Layers.Start, shard.Layers.Count)));
        Assert.All(plan.Shards, shard => Assert.True(shard.Layers.Count >= 1));
        Assert.Equal(Enumerable.Range(0, stages), plan.Shards.Select(shard => shard.StageIndex));
    }

    private static ShardPlan Plan(int layers, int stages, IPartitionPolicy policy) =>
        ShardPlanner.Plan(Layers(layers), ElementType.BFloat16, stages, policy);

    private static ModelConfig Layers(int count) => ModelShapes.Mistral7B with { LayerCount = count };

    private static int[] Counts(ShardPlan plan) => [.. plan.Shards.Select(shard => shard.Layers.Count)];
}
